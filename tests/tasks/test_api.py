"""The API of tasks, row by row: who may, what is refused, pages while others write, keys."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from ates.contracts.auth import Role
from ates.kernel import ids
from ates.kernel.db import Database
from ates.kernel.duty import attend
from ates.kernel.errors import Invalid
from ates.tasks import service, shuffling, titles
from ates.tasks.models import Assignee
from tests.engines.marks import both
from tests.tasks import make

ROOT = "/api/v1/tasks"
Caller = Callable[..., Any]


@pytest.fixture
def write(app: Flask, database: Database) -> Callable[[], Any]:
    """`with write() as session:` commits."""
    return database.transaction


@pytest.fixture
def caller(api: Caller, database: Database) -> Caller:
    """A program of a new person whom tasks has heard of."""

    def enter(role: Role = Role.EMPLOYEE, name: str = "Kesha") -> Any:
        client = api(role)
        with database.transaction() as session:
            make.assignee(session, name, role, person=client.person)
        return client

    return enter


def ask(client: FlaskClient, path: str = "", status: int = 200) -> Any:
    answer = client.get(ROOT + path)
    assert answer.status_code == status, answer.text
    return answer.json


def send(client: FlaskClient, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
    sent = {} if body is None else {"json": body}
    answer = client.post(ROOT + path, headers=more, **sent)
    assert answer.status_code == status, answer.text
    return answer.json


# --- creating -------------------------------------------------------------------------------------


@both
def test_everybody_creates_a_task_that_somebody_gets(caller: Caller) -> None:
    kesha = caller(name="Kesha A.")
    for number, role in enumerate((Role.MANAGER, Role.ADMIN, Role.ACCOUNTANT, Role.EMPLOYEE), 1):
        client = caller(role, "Rita")
        body = {"title": " Feed the parrot ", "jira_id": "popug-42", "description": "Twice.\n"}
        answer = client.post(ROOT, json=body)
        assert answer.status_code == 201
        made = answer.json
        assert answer.headers["Location"] == f"{ROOT}/{made['id']}"
        told = (made["title"], made["jira_id"], made["description"], made["status"])
        assert told == ("Feed the parrot", "POPUG-42", "Twice.", "open")
        assert made["created_by"] == {"id": str(client.person), "name": "Rita"}
        if role in (Role.MANAGER, Role.ADMIN):
            assert made["assignee"] == {"id": str(kesha.person), "name": "Kesha A."}
        assert (made["number"], made["assignment"], made["completed_at"]) == (number, 1, None)
        assert [made[f"{what}_cents"] for what in ("fee", "reward")] == [None, None]
        assert made["reward_state"] == "none"
        assert ask(client, f"/{made['id']}") == made


REFUSED: list[tuple[Any, str, str]] = [
    ({"title": ""}, "/title", "Write what has to be done"),
    ({"title": "a" * 201}, "/title", "Keep the title within 200 characters; it has 201"),
    ({"title": "[POPUG-1] - t"}, "/title", "The Jira id has its own field. Check and press"),
    ({"title": "t", "jira_id": "POPUG"}, "/jira_id", "A Jira id looks like POPUG-123"),
    ({"title": "t", "description": "a" * 10_001}, "/description", "Keep the description"),
    ({"title": "t", "due": "today"}, "/due", "Object contains unknown field `due`"),
    ({"title": 5}, "/title", "Expected `str`, got `int`"),
    ({}, "/title", "Object missing required field `title`"),
]


def test_what_does_not_fit_is_told_with_the_sentence_of_the_page(api: Caller) -> None:
    client = api(Role.EMPLOYEE)
    for body, pointer, words in REFUSED:
        problem = send(client, "", body, 422)
        (fault,) = problem["errors"]
        assert fault["pointer"] == pointer
        assert fault["detail"].startswith(words)
    assert ask(client)["items"] == []


def test_with_nobody_to_draw_creating_and_shuffling_are_refused(api: Caller) -> None:
    admin = api(Role.ADMIN)
    for path, body in (("", {"title": "Feed"}), ("/shuffles", None)):
        problem = send(admin, path, body, 409)
        assert problem["detail"] == "There is nobody to give the task to."
    assert ask(admin)["items"] == ask(admin, "/shuffles")["items"] == []


def test_the_description_tells_the_rules_of_titles_exactly() -> None:
    title, text = re.compile(titles.TITLE_PATTERN), re.compile(titles.DESCRIPTION_PATTERN)
    for code in [*range(0x3000), *range(0xFE00, 0x10000), *range(0x11000, 0x11100), 0xE0001]:
        sign = chr(code)
        for typed in (sign, f"a{sign}b"):
            assert bool(title.search(typed)) == fits(typed), hex(code)
        assert bool(text.search(f"a{sign}b")) == fits("a", f"a{sign}b"), hex(code)
    for typed in ("POPUG-1: t", "x-7 - t", "X-1 – t", "X-1 -t", "X-0: t", "X-1:t", " ", "a b"):
        assert bool(title.search(typed)) == fits(typed), typed


def fits(title: str, description: str = "") -> bool:
    try:
        titles.checked(title, "", description)
    except Invalid:
        return False
    return True


# --- the same key ---------------------------------------------------------------------------------


def test_a_key_gives_the_first_answer_again_and_stands_for_one_body(caller: Caller) -> None:
    kesha, key = caller(), {"Idempotency-Key": "nightly-7"}
    first = send(kesha, "", {"title": "Feed"}, 201, **key)
    again = kesha.post(
        ROOT, data=b'{ "title" : "Feed" }', headers=key, content_type="application/json"
    )
    assert (again.status_code, again.json) == (201, first)
    assert again.headers["Location"] == f"{ROOT}/{first['id']}"
    assert "another" in send(kesha, "", {"title": "Wash"}, 409, **key)["detail"]
    assert len(ask(kesha)["items"]) == 1
    other = caller(name="Gosha")  # a key belongs to its person
    assert send(other, "", {"title": "Wash"}, 201, **key)["number"] == 2


def test_one_key_is_one_shuffle_and_one_completion(caller: Caller) -> None:
    manager, kesha = caller(Role.MANAGER), caller()
    made = send(kesha, "", {"title": "Feed"}, 201)
    key = {"Idempotency-Key": "once"}
    runs = [send(manager, "/shuffles", None, 201, **key) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert ask(kesha, f"/{made['id']}")["assignment"] == 2
    done = [send(kesha, f"/{made['id']}/complete", {}, 200, **key) for _ in range(2)]
    assert done[0] == done[1]


# --- reading --------------------------------------------------------------------------------------


@pytest.fixture
def three(caller: Caller, write: Callable[[], Any]) -> tuple[Any, Any, list[str]]:
    """Kesha holds two tasks, one of them done, Gosha one."""
    kesha, gosha = caller(name="Kesha"), caller(name="Gosha")
    with write() as session:
        mine, his = (session.get_one(Assignee, each.person) for each in (kesha, gosha))
        tasks = [
            make.task(
                session, mine, "Count the parrots", jira_id="POPUG-12", fee=1400, reward=3200
            ),
            make.task(session, his, "Wash the bath"),
            make.task(session, mine, "Count the nests"),
        ]
        service.complete_task(session, 1, by=mine.id)
    return kesha, gosha, [str(task.id) for task in tasks]


FOUND = {
    "": [3, 2, 1],
    "?status=open": [3, 2],
    "?status=done": [1],
    "?assignee=me": [3, 1],
    "?assignee=me&status=open": [3],
    f"?assignee={UUID(int=5)}": [],
    "?q=count": [3, 1],
    "?q=count parr": [1],
    "?q=popug-1": [1],
    "?q=2": [2],
    "?q=!!": [],
    "?limit=2": [3, 2],
}
UNFIT = {
    "?status=late": 422,
    "?assignee=Kesha": 422,
    "?limit=0": 422,
    "?limit=201": 422,
    "?limit=x": 422,
    "?sort=reward": 422,
    f"?q={'a' * 101}": 422,
    "?after=x": 400,
    "?after=WzEsMl0": 400,
    "?after=WyJhIl0": 400,
}


@both
def test_lists_are_newest_first_and_narrowed(three: Any) -> None:
    kesha, gosha, _ = three
    for query, numbers in FOUND.items():
        assert (query, [each["number"] for each in ask(kesha, query)["items"]]) == (query, numbers)
    for query, status in UNFIT.items():
        ask(kesha, query, status)
    (found,) = ask(kesha, f"?assignee={gosha.person}")["items"]
    assert found["assignee"] == {"id": str(gosha.person), "name": "Gosha"}


def test_a_price_is_positive_and_the_reward_goes_from_pending_to_booked(
    three: Any, write: Callable[[], Any]
) -> None:
    kesha, gosha, (first, *_) = three
    found = ask(gosha, f"/{first}")  # everybody sees everything
    assert (found["fee_cents"], found["reward_cents"]) == (1400, 3200)
    assert (found["status"], found["reward_state"]) == ("done", "pending")
    with write() as session:
        make.hear(session, make.posted(make.entry(9, "reward", UUID(first), 0, 3200)))
    assert ask(kesha, f"/{first}")["reward_state"] == "booked"


def test_what_is_not_there_is_404(api: Caller) -> None:
    manager = api(Role.MANAGER)
    for path in ("/{}", "/{}/history", "/shuffles/{}"):
        ask(manager, path.format(ids.new()), 404)
        ask(manager, path.format("5"), 404)


@both
def test_a_history_is_told_oldest_first_in_pages(
    caller: Caller, write: Callable[[], Any], at: Callable[[str], Any]
) -> None:
    manager, kesha = caller(Role.MANAGER, "Margo"), caller()
    made = send(kesha, "", {"title": "Feed"}, 201)
    for _ in range(2):
        send(manager, "/shuffles", None, 201)
    send(kesha, f"/{made['id']}/complete")
    told, after = [], ""
    for _ in range(5):
        page = ask(kesha, f"/{made['id']}/history?limit=2{after}")
        told += page["items"]
        after = f"&after={page['next']}"
        if page["next"] is None:
            break
    me, margo = (
        {"id": str(who.person), "name": name}
        for who, name in ((kesha, "Kesha"), (manager, "Margo"))
    )
    lines = [
        (each["what"], each["by"], each["assignee"], each["assignment"], each["run"])
        for each in told
    ]
    assert lines == [
        ("created", me, None, None, None),
        ("assigned", me, me, 1, None),
        ("assigned", margo, me, 2, 1),
        ("assigned", margo, me, 3, 2),
        ("completed", me, me, 3, None),
    ]
    assert [each["at"] for each in told] == sorted(each["at"] for each in told)
    assert told == ask(kesha, f"/{made['id']}/history")["items"]


def test_a_walk_while_others_create_and_shuffle_meets_each_task_once(
    caller: Caller, write: Callable[[], Any]
) -> None:
    kesha = caller()
    with write() as session:
        make.tasks(session, 23, by=kesha.person)
    met, after = [], ""
    while True:
        page = ask(kesha, f"?limit=5{after}")
        met += [each["number"] for each in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
        with write() as session:
            make.tasks(session, 3, by=kesha.person)
            service.complete_task(session, met[-1], by=kesha.person)
            service.shuffle_open_tasks(session, by=kesha.person)
    assert met == list(range(23, 0, -1))


# --- completing -----------------------------------------------------------------------------------


@both
def test_its_assignee_completes_a_task_and_once_more_is_harmless(caller: Caller) -> None:
    kesha = caller()
    made = send(kesha, "", {"title": "Feed"}, 201)
    done = send(kesha, f"/{made['id']}/complete")
    assert (done["status"], done["reward_state"]) == ("done", "pending")
    assert done["completed_at"] is not None
    assert send(kesha, f"/{made['id']}/complete", {}) == done


def test_a_task_that_was_never_yours_is_403(three: Any, caller: Caller) -> None:
    _, _, (_, his, _) = three
    for role in Role:
        problem = send(caller(role, "Rita"), f"/{his}/complete", None, 403)
        assert problem["detail"] == "Only its assignee marks a task done. Assignee now: Gosha."


def test_one_that_was_shuffled_away_is_409_with_its_assignee(
    three: Any, caller: Caller, write: Callable[[], Any], at: Callable[[str], Any]
) -> None:
    kesha, gosha, (_, _, third) = three
    manager = caller(Role.MANAGER, "Margo")
    with write() as session:  # only Gosha is left in the lot
        make.hear(session, make.changed(kesha.person, 2, name="Kesha", role=Role.MANAGER))
    with at("2026-11-24T15:03:00+00:00"):
        send(manager, "/shuffles", None, 201)
    problem = send(kesha, f"/{third}/complete", None, 409)
    assert problem["detail"].startswith("Shuffled by Margo at 24 Nov")
    assert problem["detail"].endswith("Assignee now: Gosha.")
    send(gosha, f"/{third}/complete")
    problem = send(kesha, f"/{third}/complete", None, 409)
    assert problem["detail"].endswith("Assignee: Gosha.")
    send(kesha, f"/{uuid5(ids.new(), 'none')}/complete", None, 404)


# --- shuffling ------------------------------------------------------------------------------------


def test_managers_and_admins_alone_shuffle_and_see_runs(caller: Caller) -> None:
    caller(name="Kesha")
    for role in Role:
        person, may = caller(role), role in (Role.MANAGER, Role.ADMIN)
        send(person, "/shuffles", None, 201 if may else 403)
        ask(person, "/shuffles", 200 if may else 403)
        ask(person, f"/shuffles/{ids.new()}", 404 if may else 403)


def test_reading_tokens_write_nothing(api: Caller) -> None:
    reader = api(Role.ADMIN, scope="read")
    for path, body in (
        ("", {"title": "Feed"}),
        (f"/{ids.new()}/complete", None),
        ("/shuffles", None),
    ):
        send(reader, path, body, 403)
    assert ask(reader)["items"] == []


@both
def test_a_run_is_answered_when_finished(three: Any, caller: Caller) -> None:
    manager = caller(Role.MANAGER, "Margo")
    answer = manager.post(f"{ROOT}/shuffles")
    assert answer.status_code == 201
    run = answer.json
    assert answer.headers["Location"] == f"{ROOT}/shuffles/{run['id']}"
    assert (run["number"], run["state"], run["tasks"], run["people"]) == (1, "done", 2, 2)
    assert run["fees_cents"] == 0
    assert run["pressed_by"] == {"id": str(manager.person), "name": "Margo"}
    assert run["done_at"] is not None
    assert ask(manager, f"/shuffles/{run['id']}") == run


@both
def test_a_large_run_is_202_and_told_while_it_goes_on(
    three: Any, caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffling, "AT_ONCE", 1)
    manager = caller(Role.MANAGER, "Margo")
    runs = [send(manager, "/shuffles", None, 202) for _ in range(3)]
    assert [run["state"] for run in runs] == ["running"] * 3
    assert runs[0]["fees_cents"] is None
    attend(database, shuffling.CHUNKS)
    page = ask(manager, "/shuffles?limit=2")
    assert [(run["number"], run["state"]) for run in page["items"]] == [(3, "done"), (2, "done")]
    page = ask(manager, f"/shuffles?limit=2&after={page['next']}")
    assert ([run["number"] for run in page["items"]], page["next"]) == ([1], None)


def test_more_waiting_runs_than_twenty_are_refused_for_now(
    three: Any, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffling, "AT_ONCE", 1)
    manager = caller(Role.MANAGER)
    for _ in range(21):
        send(manager, "/shuffles", None, 202)
    problem = send(manager, "/shuffles", None, 503)
    assert problem["detail"].startswith("Too many shuffles wait for their turn.")


# --- cost -----------------------------------------------------------------------------------------


def test_an_answer_takes_a_handful_of_statements(three: Any, database: Database) -> None:
    kesha, _, (first, *_) = three
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("PRAGMA"):
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    for path in ("", "?q=count&assignee=me&status=open", "/{0}", "/{0}/history"):
        seen.clear()
        ask(kesha, path.format(first))
        assert len(seen) <= 8, seen
    event.remove(database.engine, "before_cursor_execute", note)
