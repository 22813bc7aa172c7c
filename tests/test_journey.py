"""A whole day on real processes: people, tasks, shuffles, kills, midnight, payout, letters.

Everybody acts through forms, with their keys and proofs. At the end the books are counted again,
independently, from what tasks keeps.
"""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from ates.app import create_app
from ates.config import Config

from .engines.house import Guest, House, as_json
from .engines.marks import both

PASSWORD = "four parrots share a nest"
EMPLOYEES = ("polly", "kesha", "gosha", "rita")


@pytest.mark.timeout(240)
@both
def test_a_day_at_uberpopug(house: House) -> None:
    # A session idles for an hour at most, so the day begins late.
    evening = datetime.combine(house.now().date() + timedelta(days=1), time(23, 10), UTC)
    house.move_to(evening)
    house.start()
    people = everybody_arrives(house)
    employees = {name: people[name] for name in (*EMPLOYEES, "ara")}

    tasks_are_created(house, people, range(2))
    shuffled(people["mira"])
    house.kill("events")  # the day goes on without anybody listening
    shuffled(people["mira"])
    tasks_are_created(house, people, range(2, 13))
    pressed_twice(house, people["polly"])
    finished = finish(house, employees, 5)
    house.start("events")
    finished += finish(house, employees, 4)
    house.restart("events")
    house.restart("mail")
    house.wake.empty()  # Redis forgets everything
    finished += finish(house, employees, 3)
    house.settled()
    the_money_is_seen(house, people)

    house.move_to(datetime.combine(evening.date(), time(23, 59, 57), UTC))
    late = finish(house, employees, 1)
    house.kill("mail")
    house.move_to(datetime.combine(evening.date() + timedelta(days=1), time(0, 3), UTC))
    tomorrow = finish(house, employees, 1)
    house.settled()
    the_day_is_paid(house, evening)
    house.start("mail")
    house.settled()

    assert len(finished) == 12
    the_books_are_right(house, done=len(finished) + len(late) + len(tomorrow))
    everybody_paid_got_one_letter(house)
    the_commands_agree(house)


# --- the day --------------------------------------------------------------------------------------


def everybody_arrives(house: House) -> dict[str, Guest]:
    """The first admin comes by a command, everybody else by invitation (R3)."""
    done = house.flask(
        *("auth", "create-person", "--email", "admin@popug.example", "--name", "Adam"),
        *("--role", "admin", "--password-stdin"),
        typed=PASSWORD,
    )
    assert done.returncode == 0, done.stderr
    admin = house.sign_in("admin@popug.example", PASSWORD)
    roles = {"mira": "manager", "ara": "accountant", **dict.fromkeys(EMPLOYEES, "employee")}
    for name, role in roles.items():
        answer = admin.submit(
            "/auth/people/new",
            email=f"{name}@popug.example",
            name=name.title(),
            role=role,
            trade="developer" if role == "employee" else "",
            locale="ru" if name == "gosha" else "en",
        )
        assert answer.status == 200, answer.text
    people = {name: house.accept(f"{name}@popug.example", PASSWORD) for name in roles}
    house.settled()
    return {"adam": admin, **people}


def tasks_are_created(house: House, people: dict[str, Guest], numbers: range) -> None:
    authors = [people[name] for name in EMPLOYEES]
    for number in numbers:
        answer = authors[number % len(authors)].submit(
            "/tasks/new", "/tasks/", title=f"Feed parrot {number}", jira_id=f"POPUG-{number + 1}"
        )
        assert answer.status == 200, answer.text
    assert house.one("SELECT count(*) FROM tasks_task") == numbers.stop


def pressed_twice(house: House, polly: Guest) -> None:
    """A double click is one task; a title with brackets is none (R9)."""
    before = house.one("SELECT count(*) FROM tasks_task")
    assert polly.submit("/tasks/new", "/tasks/", title="Only once", twice=True).status == 200
    assert house.one("SELECT count(*) FROM tasks_task") == before + 1
    assert polly.submit("/tasks/new", "/tasks/", title="[POPUG-1] - brackets").status == 422


def shuffled(manager: Guest) -> None:
    answer = manager.submit("/tasks/shuffle", "/tasks/shuffles/")
    assert answer.status == 200, answer.text


def finish(house: House, people: dict[str, Guest], number: int) -> list[int]:
    """That many open tasks are finished, each by its assignee, each button pressed twice."""
    names = {str(id_): name.lower() for id_, name in house.rows("SELECT id, name FROM auth_person")}
    open_ones = house.rows(
        "SELECT number, assignee_id FROM tasks_task WHERE status = 'open' ORDER BY number LIMIT :n",
        n=number,
    )
    for task, assignee in open_ones:
        guest = people[names[str(assignee)]]
        answer = guest.submit(f"/tasks/{task}", f"/tasks/{task}/complete", twice=True)
        assert answer.status == 200, answer.text
    return [task for task, _ in open_ones]


def the_money_is_seen(house: House, people: dict[str, Guest]) -> None:
    """Each by the own role: the account, the day, the figures (R12, R16, R19)."""
    assert people["polly"].get("/accounting/me").status == 200
    assert people["polly"].get("/accounting/").status == 403
    assert people["ara"].get("/accounting/").status == 200
    assert people["ara"].get("/analytics/").status == 403
    assert people["adam"].get("/analytics/").status == 200
    stranger = house.one("SELECT id FROM auth_person WHERE name = 'Kesha'")
    assert people["polly"].get(f"/accounting/accounts/{UUID(str(stranger))}").status == 404


def the_day_is_paid(house: House, evening: datetime) -> None:
    """Two payouts at once, one of them killed, and a third: the money comes out the same (R17)."""
    plan = as_json(house.flask("accounting", "payout", "--dry-run", "--json"))
    rivals = [house.begin("accounting", "payout"), house.begin("accounting", "payout")]
    rivals[0].kill()
    for each in rivals:
        each.wait(timeout=60)
    last = house.flask("accounting", "payout", "--json")
    assert last.returncode == 0, last.stdout + last.stderr
    day = evening.date().isoformat()
    ((state, paid, cents),) = house.rows(
        "SELECT state, payouts, payout_cents FROM accounting_day WHERE business_date = :day",
        day=day if house.database_url.startswith("sqlite") else evening.date(),
    )
    assert state == "paid"
    assert paid > 0
    assert plan, "the rehearsal said nothing"
    positive = house.rows(
        "SELECT count(*), -sum(amount_cents) FROM accounting_entry WHERE kind = 'payout'"
    )
    assert [(int(number), int(total)) for number, total in positive] == [(paid, cents)]


# --- counted again --------------------------------------------------------------------------------


def the_books_are_right(house: House, done: int) -> None:
    """Entries are assignments, completions and payouts; nothing is lost, nothing is double."""
    draws = house.rows(
        "SELECT t.id, a.number, a.assignee_id, t.fee_cents FROM tasks_assignment a"
        " JOIN tasks_task t ON t.id = a.task_id"
    )
    completions = house.rows(
        "SELECT id, completed_by, reward_cents FROM tasks_task WHERE status = 'done'"
    )
    assert len(completions) == done
    paid = house.rows(
        "SELECT a.person_id, e.amount_cents FROM accounting_entry e"
        " JOIN accounting_account a ON a.id = e.account_id WHERE e.kind = 'payout'"
    )
    booked = house.rows(
        "SELECT e.kind, e.source_id, e.source_no, a.person_id, e.amount_cents"
        " FROM accounting_entry e JOIN accounting_account a ON a.id = e.account_id"
    )
    expected = Counter(
        [("fee", str(task), number, str(who), -fee) for task, number, who, fee in draws]
        + [("reward", str(task), 0, str(who), reward) for task, who, reward in completions]
    )
    found = Counter(
        (kind, str(source), number, str(who), cents)
        for kind, source, number, who, cents in booked
        if kind != "payout"
    )
    assert found == expected
    assert len(booked) == len(draws) + len(completions) + len(paid)
    assert all(1000 <= fee <= 2000 and fee % 100 == 0 for *_, fee in draws)
    assert all(2000 <= reward <= 4000 and reward % 100 == 0 for *_, reward in completions)

    sums: Counter[str] = Counter()
    for _kind, _source, _number, who, cents in booked:
        sums[str(who)] += cents
    balances = house.rows("SELECT person_id, balance_cents FROM accounting_account")
    assert {str(who): cents for who, cents in balances} == dict(sums)
    the_figures_agree(house, sums)


def the_figures_agree(house: House, sums: Counter[str]) -> None:
    """Analytics, which hears events only, says what the ledger says (R21)."""
    people = house.rows("SELECT person_id, balance_cents FROM analytics_person WHERE entries > 0")
    assert {str(who): cents for who, cents in people} == dict(sums)
    by_day = house.rows(
        "SELECT business_date, kind, sum(amount_cents) FROM accounting_entry"
        " GROUP BY business_date, kind"
    )
    days = house.rows(
        "SELECT business_date, fee_cents, reward_cents, payout_cents FROM analytics_day"
    )
    heard = {
        (str(day), kind): cents
        for day, *cells in days
        for kind, cents in zip(("fee", "reward", "payout"), cells, strict=True)
        if cents
    }
    assert heard == {(str(day), kind): int(cents) for day, kind, cents in by_day}
    assert len({day for day, _ in heard}) == 2, "midnight was not passed"


def everybody_paid_got_one_letter(house: House) -> None:
    """One letter per payout with the sum, each with a Message-ID of its own (R17)."""
    paid = house.rows(
        "SELECT p.email, -e.amount_cents FROM accounting_entry e"
        " JOIN accounting_account a ON a.id = e.account_id"
        " JOIN auth_person p ON p.id = a.person_id WHERE e.kind = 'payout'"
    )
    invited = 2 + len(EMPLOYEES)
    letters = house.mail.wait(invited + len(paid))[invited:]
    by_receiver = {str(letter["To"]): letter for letter in letters}
    assert len(letters) == len(by_receiver) == len(paid)
    assert len({str(letter["Message-ID"]) for letter in letters}) == len(paid)
    for email, cents in paid:
        (letter,) = (each for to, each in by_receiver.items() if email in to)
        whole, part = divmod(int(cents), 100)
        text = letter.get_content()
        assert f"{whole}.{part:02}" in text or f"{whole},{part:02}" in text, text


def the_commands_agree(house: House) -> None:
    """The proofs of the product itself, run in this process for the sake of speed."""
    app = create_app(Config.from_env(house.environ))
    for words in (
        ["accounting", "verify", "--full"],
        ["analytics", "verify"],
        ["events", "verify"],
        ["events", "status"],
        ["accounting", "payout"],
    ):
        done = app.test_cli_runner().invoke(args=words)
        assert done.exit_code == 0, f"{words}: {done.output}"
    app.extensions["ates.database"].close()
