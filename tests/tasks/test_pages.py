"""The pages of tasks, as people of each role see and use them (acceptance 2–7, 11–14)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from ates.contracts.auth import Role
from ates.kernel import clock, ids
from ates.kernel.db import Database
from ates.tasks import service
from ates.tasks.models import Assignee, Status, Task
from tests.engines.people import Visitor, form_of
from tests.tasks import make

Enter = Callable[..., "Somebody"]
HTMX = {"HX-Request": "true"}
NEW = {"title": "", "jira_id": "", "description": ""}


@dataclass
class Somebody:
    """A person at a browser, and what they read."""

    client: Visitor
    id: UUID
    name: str

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def text(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        return words(answer.text)

    def send(self, page: str, action: str, key: str | None = None, **fields: str) -> Any:
        """Send the form of `page` that leads to `action`; the same key is the same form."""
        drawn = hidden_fields(self.get(page).text, action)
        return self.client.post(action, data={**drawn, **fields, "key": key or drawn["key"]})


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """What the form that leads to `action` holds when it is drawn."""
    return form_of(page, action)[1]


def words(page: str) -> str:
    """The page without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def enter(sign_in: Callable[..., Visitor], database: Database) -> Enter:
    """Sign in, and tasks has heard of it; accounting says nothing until `drain`."""

    def begin(role: Role, name: str | None = None) -> Somebody:
        name = name or f"{role} somebody"
        visitor = sign_in(role, name=name)
        assert visitor.person is not None
        with database.transaction() as session:
            make.hear(session, make.registered(visitor.person, name, role))
        return Somebody(visitor, visitor.person, name)

    return begin


@pytest.fixture
def kesha(enter: Enter) -> Somebody:
    """An employee, the only one in the lot."""
    return enter(Role.EMPLOYEE, "Kesha A.")


@pytest.fixture
def margo(enter: Enter) -> Somebody:
    """A manager."""
    return enter(Role.MANAGER, "Margo S.")


@pytest.fixture
def write(app: Flask, database: Database) -> Callable[[], Any]:
    @contextmanager
    def begin() -> Iterator[Session]:
        with app.app_context(), database.transaction() as session:
            yield session

    return begin


def create(visitor: Somebody, **typed: str) -> Any:
    return visitor.send("/tasks/new", "/tasks/", **{**NEW, **typed})


def done(visitor: Somebody, number: int, page: str = "/tasks/mine", **headers: Any) -> Any:
    drawn = visitor.get(page).text
    action = f"/tasks/{number}/complete"
    return visitor.client.post(action, data=hidden_fields(drawn, action), **headers)


# --- new task -------------------------------------------------------------------------------------


def test_a_created_task_is_announced_with_its_assignee(kesha: Somebody) -> None:
    answer = create(kesha, title="  Count the parrots ", jira_id="popug-7", description="All.")
    assert (answer.status_code, answer.location) == (303, "/tasks/1")
    page = kesha.text("/tasks/1")
    assert "Task 1 is created. Assignee: Kesha A." in page
    assert "No 1 Count the parrots" in page
    assert "POPUG-7" in page
    assert "is created" not in kesha.text("/tasks/1")


def test_add_another_keeps_the_prefix_which_alone_is_no_id(kesha: Somebody) -> None:
    answer = create(kesha, title="One", jira_id="POPUG-7", another="1")
    assert answer.location == "/tasks/new?project=POPUG-"
    drawn = kesha.get(answer.location).text
    assert 'name="jira_id" type="text" value="POPUG-"' in drawn
    hidden = hidden_fields(drawn, "/tasks/")
    sent = kesha.client.post("/tasks/", data={**NEW, **hidden, "title": "Two", "jira_id": "POPUG-"})
    assert sent.status_code == 303
    assert "POPUG" not in words(kesha.get("/tasks/2").text.partition("<main")[2])


@pytest.mark.parametrize(
    "typed",
    ["[POPUG-42] - Fix", "[POPUG-42] Fix", "POPUG-42 - Fix", "popug-42 — Fix", "POPUG-42: Fix"],
)
def test_the_split_is_filled_in_and_the_second_press_creates(kesha: Somebody, typed: str) -> None:
    refused = create(kesha, title=typed, description="kept <b>")
    assert refused.status_code == 422
    assert "The Jira id has its own field. Check and press again." in words(refused.text)
    assert "<title>Error:" in refused.text.replace("\n", "")
    assert 'value="POPUG-42"' in refused.text
    assert 'value="Fix"' in refused.text
    assert "kept &lt;b&gt;" in refused.text
    again = {**hidden_fields(refused.text, "/tasks/"), "title": "Fix", "jira_id": "POPUG-42"}
    assert kesha.client.post("/tasks/", data={**again, "description": ""}).status_code == 303
    assert "No 1 Fix" in kesha.text("/tasks/1")


def test_refusals_say_what_is_wrong_and_keep_what_was_typed(kesha: Somebody) -> None:
    refused = create(kesha, title="x" * 214, jira_id="nonsense", description="y" * 10_001)
    seen = words(refused.text)
    assert refused.status_code == 422
    assert "Keep the title within 200 characters; it has 214" in seen
    assert "A Jira id looks like POPUG-123" in seen
    assert "Keep the description within 10,000 characters" in seen
    assert "x" * 214 in refused.text
    assert "Write what has to be done" in words(create(kesha).text)
    assert "U+202E" in words(create(kesha, title="a\u202eb").text)
    assert "No tasks yet." in kesha.text("/tasks/")


def test_nobody_to_draw_from_is_a_conflict_that_keeps_the_text(margo: Somebody) -> None:
    refused = create(margo, title="Count")
    assert refused.status_code == 409
    assert "There is nobody to give the task to." in words(refused.text)
    assert 'value="Count"' in refused.text


def test_the_same_form_twice_is_one_task(kesha: Somebody) -> None:
    key = ids.token()
    first = kesha.send("/tasks/new", "/tasks/", key=key, **{**NEW, "title": "Count"})
    again = kesha.send("/tasks/new", "/tasks/", key=key, **{**NEW, "title": "Count"})
    assert first.location == again.location == "/tasks/1"
    other = kesha.send("/tasks/new", "/tasks/", key=key, **{**NEW, "title": "Other"})
    assert other.status_code == 409
    assert kesha.get("/tasks/2").status_code == 404


def test_markup_typed_by_people_stays_text(kesha: Somebody) -> None:
    create(kesha, title="<script>alert(1)</script>", description="<img src=x> www.popug.example")
    for page in ("/tasks/1", "/tasks/", "/tasks/mine"):
        drawn = kesha.get(page).text
        assert "<script>alert" not in drawn
        assert "<img src=x" not in drawn
    assert 'href="https://www.popug.example"' in kesha.get("/tasks/1").text


# --- own tasks and done ---------------------------------------------------------------------------


def test_done_swaps_the_row_and_keeps_it_in_its_place(kesha: Somebody, write: Any) -> None:
    for title in ("First", "Second", "Third"):
        create(kesha, title=title)
    price(write, 1400, 3200)
    row = done(kesha, 2, headers=HTMX)
    assert row.status_code == 200
    assert row.text.lstrip().startswith('<tr id="t2"')
    assert "Done: Second. Reward $32.00 pending." in row.text
    assert "+$32.00 pending" in words(row.text)
    assert "<form" not in row.text
    assert 'id="task-2"' in row.text
    drawn = kesha.get("/tasks/mine").text
    assert re.findall(r'<tr id="t(\d)"', drawn) == ["3", "2", "1"]
    assert "2 open, +$64.00 if you complete them all." in words(drawn)


def test_without_the_script_done_leads_back_to_the_row(kesha: Somebody) -> None:
    create(kesha, title="First")
    assert done(kesha, 1).location == "/tasks/mine#t1"
    create(kesha, title="Second")
    page = "/tasks/2?back=/tasks/?q%3Dx"
    answer = done(kesha, 2, page=page)
    assert answer.location.startswith("/tasks/2?back=")


def test_a_second_press_is_harmless(kesha: Somebody, said: list[Any]) -> None:
    create(kesha, title="First")
    drawn = kesha.get("/tasks/mine").text
    before = len(said)
    for _ in range(2):  # another form of the same row: a second tab
        answer = kesha.client.post(
            "/tasks/1/complete", data=hidden_fields(drawn, "/tasks/1/complete"), headers=HTMX
        )
        assert answer.status_code == 200
    fresh = hidden_fields(kesha.get("/tasks/new").text, "/tasks/")
    answer = kesha.client.post("/tasks/1/complete", data=fresh, headers=HTMX)
    assert answer.status_code == 200
    assert len(said) == before + 1


def test_a_task_shuffled_away_is_told_in_the_row(
    kesha: Somebody, margo: Somebody, database: Database, write: Any
) -> None:
    create(kesha, title="First")
    drawn = kesha.get("/tasks/mine").text
    with write() as session:
        make.hear(session, make.changed(kesha.id, 2, name="Kesha A.", role=Role.MANAGER))
        make.assignee(session, "Gosha P.")
        service.shuffle_open_tasks(session, by=margo.id)
    sent = {"data": hidden_fields(drawn, "/tasks/1/complete")}
    row = kesha.client.post("/tasks/1/complete", headers=HTMX, **sent)
    assert row.status_code == 409
    assert row.text.lstrip().startswith('<tr id="t1"')
    told = words(row.text)
    assert "Shuffled by Margo S. at " in told
    assert "Assignee now: Gosha P." in told
    assert "<form" not in row.text
    page = kesha.client.post("/tasks/1/complete", **sent)
    assert page.status_code == 409
    assert "Assignee now: Gosha P." in words(page.text)


def test_anothers_task_is_forbidden_and_an_unknown_one_not_found(
    kesha: Somebody, margo: Somebody
) -> None:
    create(kesha, title="First")
    fields = hidden_fields(margo.get("/tasks/new").text, "/tasks/")
    refused = margo.client.post("/tasks/1/complete", data=fields)
    assert refused.status_code == 403
    assert "Only its assignee marks a task done. Assignee now: Kesha A." in words(refused.text)
    assert margo.client.post("/tasks/9/complete", data=fields).status_code == 404
    assert margo.get("/tasks/9").status_code == 404
    assert 'id="done-1"' not in margo.get("/tasks/1").text
    assert 'id="done-1"' in kesha.get("/tasks/1").text


def test_an_unpriced_task_says_so_and_can_be_completed(kesha: Somebody) -> None:
    create(kesha, title="First")
    assert "price is being set" in kesha.text("/tasks/mine")
    assert done(kesha, 1).status_code == 303


def test_the_poll_tells_when_the_reward_is_booked(kesha: Somebody, write: Any) -> None:
    create(kesha, title="First")
    price(write, 1400, 3200)
    done(kesha, 1)
    drawn = kesha.get("/tasks/mine").text
    assert 'data-poll="/tasks/mine/pending"' in drawn
    first = kesha.get("/tasks/mine/pending", headers=HTMX)
    assert "pending" in words(first.text)
    assert "<form" not in first.text
    tag = {**HTMX, "If-None-Match": first.headers["ETag"]}
    assert kesha.get("/tasks/mine/pending", headers=tag).status_code == 304
    with write() as session:
        task = make.by_number(session, 1)
        make.hear(session, make.posted(make.entry(5, "reward", task.id, 0, 3200)))
    booked = kesha.get("/tasks/mine/pending", headers=tag)
    assert booked.status_code == 200
    assert "+$32.00 ✓ booked" in words(booked.text)
    assert 'data-say="Reward +$32.00 is booked."' in booked.text
    assert "data-poll" not in booked.text
    assert "data-poll" not in kesha.get("/tasks/mine").text.partition("<main")[2]


def test_after_ten_minutes_a_reward_is_delayed(kesha: Somebody, write: Any) -> None:
    create(kesha, title="First")
    price(write, 1400, 3200)
    done(kesha, 1)
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert "+$32.00 delayed" in kesha.text("/tasks/mine/pending")


def test_one_note_tells_what_came_since_the_last_visit(kesha: Somebody, write: Any) -> None:
    create(kesha, title="First")
    price(write, 1400, 3200)
    page = kesha.text("/tasks/mine")
    assert (
        "Since your last visit 0 shuffles · 0 tasks left you · 1 task came · fees −$14.00" in page
    )
    for at in ("", "yesterday", "2026-11-24T10:00"):
        assert kesha.send("/tasks/mine", "/tasks/mine/seen", at=at).status_code == 400
    drawn = kesha.get("/tasks/mine").text
    fields = hidden_fields(drawn, "/tasks/mine/seen")
    assert kesha.client.post("/tasks/mine/seen", data=fields).location == "/tasks/mine"
    assert "Since your last visit" not in kesha.text("/tasks/mine")


def test_a_manager_with_leftovers_reads_what_they_are(margo: Somebody, write: Any) -> None:
    assert "No tasks for you now. The cage is open." in margo.text("/tasks/mine")
    with write() as session:
        make.task(session, session.get_one(Assignee, margo.id))
    assert "These stay yours until the next shuffle." in margo.text("/tasks/mine")


# --- all tasks ------------------------------------------------------------------------------------


def test_the_filter_lives_in_the_address_and_survives_a_task(kesha: Somebody) -> None:
    for title in ("Count the parrots", "Починить гнездо"):
        create(kesha, title=title)
    drawn = kesha.get("/tasks/?q=ГНЕЗДО&status=open&assignee=me").text
    assert "Count the parrots" not in drawn
    back = re.search(r'href="(/tasks/2\?back=[^"]+)"', drawn)
    assert back is not None
    link = re.search(r'href="([^"]+)">back to the list', kesha.get(back[1]).text)
    assert link is not None
    assert kesha.get(link[1].replace("&amp;", "&")).text.count("<tr id=") == 1
    assert "Nothing matches." in kesha.text("/tasks/?q=nothing")
    assert "No tasks yet." not in kesha.text("/tasks/?q=nothing")
    evil = kesha.get("/tasks/1?back=https://evil.example/").text
    assert "evil.example" not in evil.partition("<main")[2].partition("</main>")[0]


def test_what_cannot_be_read_in_the_address_is_left_out_with_a_note(kesha: Somebody) -> None:
    create(kesha, title="First")
    page = kesha.text("/tasks/?from=yesterday&to=0001-01-01&status=lost&shuffle=x&after=zzz&odd=1")
    assert "could not be read: status, shuffle, from, to" in page
    assert "First" in page


def test_a_typed_name_filters_and_offers_the_people_called_so(kesha: Somebody, write: Any) -> None:
    create(kesha, title="First")
    with write() as session:
        make.assignee(session, "Kesha B.")
    page = kesha.text("/tasks/?assignee=kesha")
    assert "Called so: Kesha A. · Kesha B." in page
    assert "First" in page
    assert "Nothing matches." in kesha.text("/tasks/?assignee=nobody")
    assert "First" in kesha.text(f"/tasks/?assignee={kesha.id}")


def test_the_history_is_a_list_with_anchors(kesha: Somebody, margo: Somebody, write: Any) -> None:
    create(kesha, title="First")
    price(write, 1400, 3200)
    with write() as session:
        task = make.by_number(session, 1)
        make.hear(session, make.posted(make.entry(87002, "fee", task.id, 1, -1400)))
        service.shuffle_open_tasks(session, by=margo.id)
    drawn = kesha.get("/tasks/1").text
    page = words(drawn)
    assert '<ol class="timeline"' in drawn
    assert re.findall(r'<li id="(\w+)"', drawn)[0] == "a2"
    assert "Shuffle 1 ( Margo S. ): Kesha A. again; fee −$14.00, pending" in page
    assert "Created by Kesha A. , assigned to Kesha A. ; fee −$14.00, entry 87002" in page
    assert "Price set: fee −$14.00, reward +$32.00" in page


# --- shuffle --------------------------------------------------------------------------------------


def test_the_cost_stands_before_the_button_and_looking_changes_nothing(
    kesha: Somebody, margo: Somebody, write: Any, said: list[Any]
) -> None:
    create(kesha, title="First")
    price(write, 1400, 3200)
    create(kesha, title="Second")
    before = len(said)
    page = margo.text("/tasks/shuffle")
    assert "Open tasks 2" in page
    assert "Popugs in the lot 1" in page
    assert "Expected fees $14.00 + 1 task whose price is being set" in page
    assert "also when that is the same popug" in page
    assert "Shuffle 2 tasks" in page
    assert len(said) == before


def test_a_double_press_is_one_run_with_a_receipt(
    kesha: Somebody, margo: Somebody, write: Any, said: list[Any]
) -> None:
    create(kesha, title="First")
    create(kesha, title="Second")
    price(write, 1400, 3200)
    key = ids.token()
    for _ in range(2):
        answer = margo.send("/tasks/shuffle", "/tasks/shuffles/", key=key)
        assert answer.location == "/tasks/shuffles/1"
    assert margo.send("/tasks/shuffle", "/tasks/shuffles/").location == "/tasks/shuffles/2"
    page = margo.text("/tasks/shuffles/1")
    assert "Drawn 2" in page
    assert "Same popug again 2" in page
    assert "Tasks per popug 2 · 2 · 2" in page
    assert "0 of 2 fees are booked" in page
    with write() as session:
        entries = [make.entry(n, "fee", t.id, 2) for n, t in enumerate(make.all_tasks(session), 1)]
        make.hear(session, make.posted(*entries))
    part = margo.get("/tasks/shuffles/1", headers=HTMX)
    assert "All fees are booked: $28.00." in words(part.text)
    assert "data-poll" not in part.text
    assert margo.get("/tasks/?shuffle=1").text.count("<tr id=") == 2


def test_only_managers_and_admins_shuffle(kesha: Somebody, enter: Enter) -> None:
    accountant, admin = enter(Role.ACCOUNTANT), enter(Role.ADMIN)
    fields = hidden_fields(kesha.get("/tasks/new").text, "/tasks/")
    for visitor, status in ((kesha, 403), (accountant, 403), (admin, 200)):
        assert visitor.get("/tasks/shuffle").status_code == status
        assert ("Shuffle open tasks" in visitor.text("/tasks/")) == (status == 200)
    assert kesha.client.post("/tasks/shuffles/", data=fields).status_code == 403
    assert kesha.get("/tasks/shuffles/1").status_code == 403
    assert admin.get("/tasks/shuffles/1").status_code == 404


def test_with_nobody_in_the_lot_there_is_a_sentence_and_no_button(margo: Somebody) -> None:
    page = margo.get("/tasks/shuffle").text
    assert "There is nobody to give the task to." in words(page)
    assert 'action="/tasks/shuffles/"' not in page
    fields = hidden_fields(margo.get("/tasks/new").text, "/tasks/")
    assert margo.client.post("/tasks/shuffles/", data=fields).status_code == 409


# --- the whole ------------------------------------------------------------------------------------


PAGES = (
    "/tasks/mine",
    "/tasks/mine?status=done",
    "/tasks/mine/pending",
    "/tasks/?q=popug&status=open&assignee=me",
    "/tasks/1",
    "/tasks/shuffle",
    "/tasks/shuffles/1",
)


def test_pages_take_a_handful_of_queries_however_many_rows(
    app: Flask, enter: Enter, database: Database, write: Any
) -> None:
    boss = enter(Role.ADMIN, "Aurora")
    with write() as session:
        holder = session.get_one(Assignee, boss.id)
        make.flock(session, 3)
        for number in range(60):
            make.task(session, holder, f"Popug {number}", jira_id="POPUG-1", fee=1000, reward=2000)
        for number in range(1, 20):
            service.complete_task(session, number, by=boss.id)
        service.shuffle_open_tasks(session, by=boss.id)
    for page in PAGES:
        boss.get(page)  # the first visit may renew the token
        with counted(database) as seen:
            assert boss.get(page).status_code == 200
        queries = [sql for sql in seen if sql.startswith("SELECT")]
        assert len([sql for sql in queries if "tasks_" in sql]) <= 5, (page, queries)
        assert len(queries) <= 8, (page, queries)  # with the session's, and the chip's in the frame


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_everybody_sees_all_tasks_and_signed_out_people_none(
    kesha: Somebody, enter: Enter, client: Any
) -> None:
    create(kesha, title="First")
    for role in Role:
        visitor = enter(role)
        assert "First" in visitor.text("/tasks/")
        assert "First" in visitor.text("/tasks/1")
    for page in ("/tasks/", "/tasks/mine", "/tasks/1", "/tasks/shuffle", "/tasks/new"):
        assert client.get(page).status_code == 303


def test_the_command_parts_old_titles(app: Flask, write: Any) -> None:
    with write() as session:
        polly = make.assignee(session)
        for title in ("[POPUG-1] - feed", "plain"):
            make.task(session, polly, title)
    run = app.test_cli_runner().invoke(args=["tasks", "part-titles", "--batch", "1"])
    assert (run.exit_code, run.output) == (0, "Looked at 2 tasks, parted 1 titles.\n")
    again = app.test_cli_runner().invoke(args=["tasks", "part-titles", "--json"])
    assert (again.exit_code, again.output) == (0, '{"looked": 2, "changed": 0}\n')


def price(write: Any, fee: int, reward: int) -> None:
    """Accounting has set the price of every task there is."""
    with write() as session:
        of = [(task.id, fee, reward) for task in make.all_tasks(session)]
        make.hear(session, make.priced(*of))


def test_after_a_whole_round_money_is_booked_by_accounting_itself(
    kesha: Somebody, drain: Callable[[], None], write: Any
) -> None:
    drain()
    create(kesha, title="First")
    done(kesha, 1)
    drain()
    page = kesha.text("/tasks/1")
    assert "reward booked, entry" in page
    with write() as session:
        task: Task = make.by_number(session, 1)
        assert task.status == Status.DONE
        assert task.fee_cents in range(1000, 2001, 100)
        assert task.reward_cents in range(2000, 4001, 100)
        assert make.draws(session, task)[0].fee_entry_no is not None
