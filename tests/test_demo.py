"""The demonstration company: believable, true to the cent, and only where nothing else is."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ates.app import CONTEXTS
from ates.auth.demo import POPUGS
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.stage import CLOSES, OPENS, Stage
from ates.ops import demo
from tests.auth import make
from tests.engines import company
from tests.engines.marks import both
from tests.engines.people import Visitor

TODAY = company.NOW.date()
FULL = {  # pages that have something to show; the first is the home
    "kesha": ("/tasks/mine", "/tasks/", "/accounting/me"),
    "margo": ("/tasks/", "/tasks/shuffle", "/tasks/shuffles/5"),
    "rio": ("/accounting/", "/accounting/entries/", "/accounting/accounts/", "/accounting/me"),
    "klavdia": ("/accounting/", "/accounting/corrections/"),
    "aurora": ("/analytics/", "/auth/people/", "/accounting/payouts/", "/accounting/audit/"),
}


def rows(app: Flask, query: str, **values: Any) -> Sequence[Any]:
    with app.extensions["ates.database"].reading() as session:
        found: Sequence[Any] = session.execute(text(query), values).all()
        return found


def command(app: Flask, *words: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=words, input=typed)


# --- what there is --------------------------------------------------------------------------------


@both
def test_books_figures_and_log_are_clean(demonstration: Flask) -> None:
    for words in ("accounting verify --full", "analytics verify", "events verify", "events status"):
        done = command(demonstration, *words.split())
        assert done.exit_code == 0, f"{words}: {done.output}"
    with demonstration.app_context():
        for part in CONTEXTS:
            if part.verify is not None:
                assert list(part.verify(True)) == [], part.name


def test_the_same_day_has_the_same_company_on_both_databases(tmp_path: Path) -> None:
    histories = []
    for backend in ("sqlite", "postgresql"):
        data = tmp_path / backend
        data.mkdir()
        with company.copied(backend, data) as app:
            histories.append(
                rows(
                    app,
                    "SELECT t.number, t.title, t.jira_id, t.status, n.name, t.fee_cents,"
                    " t.reward_cents, t.assignment FROM tasks_task t"
                    " JOIN tasks_assignee n ON n.id = t.assignee_id ORDER BY t.number",
                )
            )
    assert histories[0] == histories[1]


def test_forty_people_of_all_roles_work_in_two_languages(demonstration: Flask) -> None:
    people = rows(demonstration, "SELECT name, role, trade, locale, active FROM auth_person")
    assert len(people) == len(POPUGS) == 40
    roles = Counter(person.role for person in people)
    assert (roles[Role.ADMIN], roles[Role.MANAGER], roles[Role.ACCOUNTANT]) == (2, 2, 2)
    assert {person.locale for person in people} == {"en", "ru"}
    assert [person.name for person in people if not person.active] == ["Felix Avocet"]
    never = rows(demonstration, "SELECT name FROM auth_person WHERE last_sign_in_at IS NULL")
    assert [person.name for person in never] == ["Зоя Кукушкина"]


def test_ten_working_days_have_a_few_hundred_tasks(demonstration: Flask) -> None:
    tasks = rows(demonstration, "SELECT title, jira_id, description, status FROM tasks_task")
    assert 300 <= len(tasks) <= 500
    assert len({task.title for task in tasks}) == len(tasks)
    russian = sum(bool(re.search("[а-я]", task.title)) for task in tasks)
    assert len(tasks) / 4 < russian < len(tasks) * 3 / 4
    for has in (Counter(bool(t.jira_id) for t in tasks), Counter(bool(t[2]) for t in tasks)):
        assert has[True] > 50
        assert has[False] > 50
    assert 20 < sum(task.status == "open" for task in tasks) < 100
    runs = rows(demonstration, "SELECT pressed_at FROM tasks_run ORDER BY number")
    assert len(runs) == 5
    assert TODAY.isoformat() in str(runs[-1].pressed_at)


def test_people_are_in_debt_and_richly_paid(demonstration: Flask) -> None:
    balances = [each.balance_cents for each in rows(demonstration, BALANCES)]
    assert min(balances) < -10_000
    assert 5 < sum(balance < 0 for balance in balances) < 30
    paid = rows(demonstration, "SELECT amount_cents FROM accounting_payout")
    assert len(paid) > 50
    assert max(each.amount_cents for each in paid) > 7_000
    assert sum(balance > 0 for balance in balances) > 5


BALANCES = "SELECT balance_cents FROM accounting_account"


def test_a_missed_night_is_caught_up_and_every_payout_has_its_letter(demonstration: Flask) -> None:
    days = rows(
        demonstration, "SELECT business_date, state, paid_at FROM accounting_day ORDER BY 1"
    )
    assert [day.state for day in days] == ["paid"] * (len(days) - 1) + ["open"]
    assert str(days[-1].business_date) == TODAY.isoformat()
    nights = Counter(str(day.paid_at)[:16] for day in days[:-1])
    assert sorted(nights.values())[-2:] == [1, 2], "one night paid two days"
    states = rows(
        demonstration,
        "SELECT state FROM accounting_letter UNION ALL SELECT state FROM accounting_seal_letter",
    )
    assert {letter.state for letter in states} == {"sent"}
    config: Config = demonstration.extensions["ates.config"]
    letters = [path.read_text() for path in config.mail_folder.glob("*.eml")]
    assert len(letters) == len(states) + 1, "and one invitation"
    assert all("@popug.example" in letter for letter in letters)


def test_income_has_both_signs(demonstration: Flask) -> None:
    incomes = rows(
        demonstration,
        "SELECT business_date, -sum(amount_cents) AS cents FROM accounting_day_total"
        " WHERE kind IN ('fee', 'reward') GROUP BY business_date",
    )
    assert len(incomes) == 10
    assert min(day.cents for day in incomes) < 0 < max(day.cents for day in incomes)


# --- its pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FULL)
def test_every_page_that_is_linked_is_there(demonstration: Flask, name: str) -> None:
    """Three of each kind, beginning with those that say something."""
    visitor = company.enter(demonstration, f"{name}@popug.example")
    waiting, seen, kinds = ["/", *FULL[name]], set[str](), Counter[str]()
    while waiting:
        page = waiting.pop(0)
        kind = re.sub(r"[0-9a-f-]{30,}|\d+", "0", page.partition("?")[0])
        if page in seen or kinds[kind] == 3:
            continue
        seen.add(page)
        kinds[kind] += 1
        answer = visitor.get(page, follow_redirects=True)
        assert answer.status_code == 200, f"{page}: {answer.status}"
        if answer.mimetype == "text/html":
            assert 'class="empty' not in answer.text or page not in FULL[name], page
            waiting += links(answer.text)
    assert len(kinds) > 8, sorted(kinds)


def links(page: str) -> list[str]:
    found = re.findall(r'<a[^>]* href="(/[^"#]*)"', page)
    return [each.replace("&amp;", "&") for each in found if not each.startswith("/mailbox")]


def test_the_printed_sign_ins_open_the_door(demonstration: Flask) -> None:
    done = command(demonstration, "auth", "demo")
    shown = {each["role"]: (each["email"], each["password"]) for each in json.loads(done.stdout)}
    assert shown == {
        "admin": ("aurora@popug.example", "popug-admin"),
        "manager": ("margo@popug.example", "popug-manager"),
        "accountant": ("rio@popug.example", "popug-accountant"),
        "employee": ("kesha@popug.example", "popug-employee"),
    }
    for email, password in [*shown.values(), ("varvara@popug.example", "popug-manager")]:
        browser = demonstration.test_client()
        assert isinstance(browser, Visitor)
        assert make.knock(browser, email, password).status_code == 303


# --- where it is refused --------------------------------------------------------------------------


def test_a_database_in_use_is_refused(demonstration: Flask) -> None:
    done = command(demonstration, "demo", "--yes")
    assert done.exit_code == 1
    assert "The database is in use" in done.stderr
    assert "Traceback" not in done.output


def test_production_has_no_demonstration(app: Flask, config: Config) -> None:
    object.__setattr__(config, "env", "production")
    done = command(app, "demo", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no demonstration in production." in done.stderr


def test_without_a_yes_nothing_happens(app: Flask) -> None:
    done = command(app, "demo", typed="n\n")
    assert done.exit_code == 1
    assert rows(app, "SELECT 1 FROM auth_person") == []


def test_an_interrupted_one_explains_how_to_start_over(app: Flask, config: Config) -> None:
    class Interrupted(BaseException):
        """As Ctrl-C."""

    def stop(day: str, done: int, scenes: int) -> None:
        raise Interrupted

    with app.app_context(), pytest.raises(Interrupted):
        demo.play(app.extensions["ates.database"], config, stop)
    done = command(app, "demo", "--yes")
    assert done.exit_code == 1
    assert f"remove {config.data}" in done.stderr


def test_beside_living_workers_it_is_refused(app: Flask, config: Config) -> None:
    beat = config.data / "run" / "events.beat"
    beat.parent.mkdir()
    beat.touch()
    done = command(app, "demo", "--yes")
    assert done.exit_code == 1
    assert "stop it first" in done.stderr
    os.utime(beat, (0, 0))
    with app.app_context():
        demo.refuse(app.extensions["ates.database"], config)


# --- the stage ------------------------------------------------------------------------------------

MOMENTS = st.integers(0, 6 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ZONES = st.sampled_from(["UTC", "Europe/Moscow", "America/New_York", "Pacific/Kiritimati"])


@given(MOMENTS, ZONES)
def test_ten_days_end_today_and_nothing_happens_later_than_now(now: datetime, zone: str) -> None:
    stage = Stage.until(now, ZoneInfo(zone))
    assert len(stage.days) == 10
    assert stage.days[-1] == now.astimezone(ZoneInfo(zone)).date()
    assert all(day.weekday() < 5 for day in stage.days[:-1])
    for day in range(10):
        hours = [stage.at(day, hour) for hour in range(OPENS, CLOSES + 1)]
        assert hours == sorted(hours)
        assert hours[-1] <= now
        assert {each.astimezone(ZoneInfo(zone)).date() for each in hours} == {stage.days[day]}
    assert all(night <= now for night in stage.nights())
    assert len(stage.nights()) in (gap := (stage.days[-1] - stage.days[0]).days, gap - 1)


def test_right_after_midnight_today_has_begun() -> None:
    stage = Stage.until(datetime(2026, 11, 24, 0, 5, tzinfo=UTC), ZoneInfo("UTC"))
    assert stage.at(9, OPENS) >= datetime(2026, 11, 24, tzinfo=UTC)
    assert stage.at(9, CLOSES) == stage.now
    assert stage.day_before(stage.nights()[-1]) == date(2026, 11, 22)
