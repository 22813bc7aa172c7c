"""The pages of operations: who may, what they show, what they decide, and that twice is once."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import insert, text, update

from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.life import Life
from ates.kernel.tables import pace, parked
from ates.ops import pulse, queries, story
from tests.engines.marks import both
from tests.engines.people import Visitor, form_of

from . import poison

SignIn = Callable[..., Visitor]
PAGES = ["/ops/", "/ops/live", "/ops/events/", "/ops/workers", "/ops/events/kind"]
WHY = "the bird has flown away"


@pytest.fixture
def admin(app: Flask, sign_in: SignIn) -> Visitor:
    return sign_in("admin")


@pytest.fixture
def failed(app: Flask, admin: Visitor) -> Visitor:
    """An admin where accounting could not handle three tasks."""
    poison.write_tasks(app, 3)
    with poison.broken(app, "accounting"):
        poison.drain(app, "accounting")
    poison.put_off(app)
    return admin


def heads(app: Flask) -> list[str]:
    rows = poison.parked_at(app, "accounting")
    return [str(row.event_id) for row in rows if row.status in ("retry", "dead")]


def states(app: Flask) -> list[str]:
    return [row.status for row in poison.parked_at(app, "accounting")]


def test_only_admins_see_operations(app: Flask, client: Visitor, sign_in: SignIn) -> None:
    people: dict[Role | None, Visitor] = {role: sign_in(role) for role in Role}
    people[None] = client
    for role, visitor in people.items():
        wanted = 200 if role is Role.ADMIN else 303 if role is None else 403
        assert {path: visitor.get(path).status_code for path in PAGES} == dict.fromkeys(
            PAGES, wanted
        )
    assert 'href="/ops/"' in people[Role.ADMIN].get("/analytics/").text
    assert 'href="/ops/"' not in people[Role.MANAGER].get("/tasks/").text


def test_a_quiet_house_says_so(app: Flask, admin: Visitor) -> None:
    poison.drain(app)
    page = admin.get("/ops/").text
    assert "accounting" in page
    assert "Nothing was checked yet" in page
    assert "No event has failed." in admin.get("/ops/events/").text
    assert "No worker has shown a sign of life" in admin.get("/ops/workers").text


def test_the_poll_answers_304_while_nothing_changes(app: Flask, admin: Visitor) -> None:
    poison.drain(app)
    first = admin.get("/ops/live")
    assert "<form" not in first.text
    tag = {"If-None-Match": first.headers["ETag"]}
    assert admin.get("/ops/live", headers=tag).status_code == 304
    poison.write_tasks(app)
    assert admin.get("/ops/live", headers=tag).status_code == 200


@both
def test_parked_events_are_found_by_error_state_consumer_type_and_words(
    app: Flask, failed: Visitor
) -> None:
    page = failed.get("/ops/events/").text
    assert "Broken: no price for 17" in page
    assert "Retry all 3…" in page
    assert "Count the parrots 2" in page
    for query, rows in {
        "": 3,
        "?state=blocked": 3,
        "?state=dead": 0,
        "?consumer=accounting": 3,
        "?consumer=tasks": 0,
        "?type=tasks.task_created": 3,
        "?q=no+price": 3,
        "?q=%25": 0,
        "?state=nonsense": 3,
        "?after=nonsense": 3,
    }.items():
        answer = failed.get(f"/ops/events/{query}")
        assert (answer.status_code, answer.text.count(' href="/ops/events/0')) == (200, rows), query


def test_a_dead_event_is_stuck_though_nothing_waits(
    app: Flask, failed: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        session.execute(
            update(parked).where(parked.c.status == "retry").values(status="dead", next_at=None)
        )
    poison.drain(app)
    page = failed.get("/ops/").text
    assert "Stuck" in page
    assert "3, 3" in page  # blocked, dead


@both
def test_an_event_tells_its_story(app: Flask, failed: Visitor) -> None:
    page = failed.get(f"/ops/events/{heads(app)[0]}").text
    assert "Broken</strong>: no price for 17" in page
    assert "raise Broken(say)" in page  # the traceback
    assert "Count the parrots 0" in page  # the payload
    assert "tasks.task_assigned" in page  # the stream's other event
    assert "1 event of the stream waits behind it." in page
    behind = poison.parked_at(app, "accounting")[1]
    page = failed.get(f"/ops/events/{behind.event_id}").text
    assert "It waits behind a failed event of its stream." in page
    assert "Retry now" not in page
    assert failed.get(f"/ops/events/{failed.person}").status_code == 404


def test_after_the_fix_a_retry_books_it_and_the_history_stays(app: Flask, failed: Visitor) -> None:
    first = heads(app)[0]
    where = f"/ops/events/{first}"
    answer = failed.submit(where, f"{where}/retry")
    assert (answer.status_code, answer.location) == (303, where)
    poison.drain(app, "accounting")
    assert len(states(app)) == 4
    page = failed.get(where).text
    assert "This event is not parked" in page
    for word in ("handled", "tried again", "no price for 17", "by Admin"):
        assert word in page


def test_a_retry_before_the_fix_fails_again_and_is_told(app: Flask, failed: Visitor) -> None:
    where = f"/ops/events/{heads(app)[0]}"
    failed.submit(where, f"{where}/retry")
    with poison.broken(app, "accounting", say="still no price"):
        poison.drain(app, "accounting")
    page = failed.get(where).text
    assert "still no price" in page
    assert "no price for 17" in page


def test_all_of_a_kind_are_asked_for_on_a_page_of_their_own(app: Flask, failed: Visitor) -> None:
    mark = poison.parked_at(app, "accounting")[0].fingerprint
    where = f"/ops/events/kind?consumer=accounting&fingerprint={mark}"
    assert "Retry 3 events?" in failed.get(where).text
    assert states(app).count("retry") == 3
    assert failed.submit(where).status_code == 303
    poison.drain(app, "accounting")
    assert states(app) == []
    assert "No event of this kind is parked any more." in failed.get(where).text


@both
def test_chosen_ones_are_retried_and_none_chosen_is_said(app: Flask, failed: Visitor) -> None:
    answer = failed.submit("/ops/events/?consumer=accounting", "/ops/events/retry")
    assert answer.status_code == 422
    assert "Choose at least one event." in answer.text
    assert "Count the parrots 2" in answer.text
    rows = [each for each in poison.parked_at(app, "accounting") if each.status == "retry"]
    names = [f"accounting|{each.log}|{each.position}" for each in rows[:2]]
    answer = failed.submit("/ops/events/", "/ops/events/retry", event=names)
    assert answer.status_code == 303
    assert "2 events are tried again now." in failed.get(answer.location).text
    poison.drain(app, "accounting")
    assert states(app) == ["retry", "blocked"]


def test_skipping_needs_a_reason_and_lets_the_stream_go_on(app: Flask, failed: Visitor) -> None:
    where = f"/ops/events/{heads(app)[0]}/skip?consumer=accounting"
    assert "What it should cause will never happen." in failed.get(where).text
    answer = failed.submit(where, reason="because")
    assert answer.status_code == 422
    assert "Write the reason in 10 to 500 characters." in answer.text
    answer = failed.submit(where, reason=WHY)
    assert answer.status_code == 303
    page = failed.get(answer.location).text
    assert WHY in page
    poison.drain(app, "accounting")
    assert states(app) == ["skipped", "retry", "blocked", "retry", "blocked"]
    assert "Count the parrots 0" in failed.get("/ops/events/?state=skipped").text
    assert "Nobody has to decide" in failed.get(where).text


def test_a_double_press_decides_once(app: Flask, failed: Visitor) -> None:
    where = f"/ops/events/{heads(app)[0]}"
    target, drawn = form_of(failed.get(where).text, f"{where}/retry")
    answers = [failed.post(target, data=drawn) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    skip = f"{where}/skip"
    target, drawn = form_of(failed.get(f"{skip}?consumer=accounting").text, skip)
    sent = {**drawn, "reason": WHY}
    assert [failed.post(target, data=sent).status_code for _ in range(2)] == [303, 303]
    page = failed.get(where).text
    assert (page.count("tried again"), page.count(WHY)) == (1, 2)  # history, and the standing
    other = failed.post(target, data={**sent, "key": "another-key-0123456789"})
    assert other.status_code == 409


@both
def test_a_held_event_is_released_or_dropped(app: Flask, admin: Visitor) -> None:
    poison.write_tasks(app)
    poison.drain(app)
    seq = poison.hold_one(app)
    assert "Held before they were numbered" in admin.get("/ops/").text
    where = f"/ops/held/{seq}"
    assert admin.submit(where, reason="no").status_code == 422
    assert admin.submit(where, reason=WHY, discard="1").location == "/ops/"
    assert admin.get(where).status_code == 404
    assert "Held before" not in admin.get("/ops/").text
    seq = poison.hold_one(app)
    assert admin.submit(f"/ops/held/{seq}", reason=WHY).status_code == 303
    poison.drain(app)
    assert "Held before" not in admin.get("/ops/").text


def test_a_paused_consumer_says_since_when(app: Flask, admin: Visitor) -> None:
    with app.app_context():
        poison.pause(app, "accounting")
    page = admin.get("/ops/").text
    assert "paused" in page
    assert "by itself since" in page
    assert "the log has a hole" in page


def test_the_pace_tells_when_a_consumer_has_caught_up(
    app: Flask, admin: Visitor, database: Database
) -> None:
    """What is left takes as long as at the pace of the last minute."""
    poison.write_tasks(app, 10)
    poison.drain(app, "tasks")  # numbers the events; accounting has not read them
    now = clock.now()
    with database.transaction() as session:
        for at, position, head in ((now - timedelta(minutes=1), 10, 40), (now, 30, 40)):
            session.execute(
                insert(pace).values(
                    consumer="accounting", log="ates", at=at, position=position, head=head
                )
            )
    with clock.frozen(now):
        found = pulse.look(database, app.extensions["ates.contexts"])
    lag = next(each for each in found.lags if each.line.name == "accounting")
    assert lag.pace == pulse.Pace(20, 0)
    assert (lag.line.behind, lag.left) == (20, timedelta(minutes=1))
    with clock.frozen(now):
        assert "1 min 0 s" in admin.get("/ops/").text


def test_a_worker_shows_itself_and_falls_silent(app: Flask, admin: Visitor) -> None:
    life = Life(app.extensions["ates.database"], "events", "9.9", doing="drain accounting")
    life.beat()
    page = admin.get("/ops/workers").text
    assert "delivers to accounting" in page
    assert "9.9" in page
    assert "1 of 2" in admin.get("/ops/").text
    with clock.frozen(clock.now() + timedelta(seconds=40)):
        assert "silent" in admin.get("/ops/workers").text
        assert "0 of 2" in admin.get("/ops/live").text
    life.end()
    assert "No worker has shown" in admin.get("/ops/workers").text


def test_a_consumer_is_paused_with_a_reason_and_let_go_on(app: Flask, admin: Visitor) -> None:
    where = "/ops/consumers/accounting"
    assert admin.submit(where, reason="no").status_code == 422
    assert admin.submit(where, reason=WHY).status_code == 303
    page = admin.get("/ops/").text
    assert "by Admin 1 since" in page
    assert WHY in page
    poison.write_tasks(app)
    poison.drain(app)
    assert "accounting is paused." in admin.get("/readyz").text
    assert admin.submit(where).status_code == 303
    assert "paused" not in admin.get("/ops/").text
    assert admin.get("/ops/consumers/nobody").status_code == 404


def test_a_long_list_goes_on_by_key(
    app: Flask, failed: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    seen: list[str] = []
    page = failed.get("/ops/events/?consumer=accounting").text
    while True:
        seen += re.findall(r'<a href="/ops/events/(0[0-9a-f-]{35})"', page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        if older is None:
            break
        page = failed.get(unescape(older[1])).text
    assert seen == heads(app)[::-1]


@both
def test_failed_letters_are_sent_again_once(app: Flask, admin: Visitor, database: Database) -> None:
    about = {"email": "new@popug.example", "name": "New", "role": "employee", "locale": "en"}
    assert admin.submit("/auth/people/new", **about).status_code == 303
    with database.transaction() as session:
        session.execute(text("UPDATE auth_letter SET state = 'failed', next_try_at = NULL"))
    assert "Send again: failed…" in admin.get("/ops/").text
    where = "/ops/letters/auth/failed"
    target, drawn = form_of(admin.get(where).text, where)
    assert [admin.post(target, data=drawn).status_code for _ in range(2)] == [303, 303]
    page = admin.get("/ops/").text
    assert "1 letter goes out again." in page
    assert "queued" in page
    assert "There is nothing to send again." in admin.get(where).text
    for nowhere in ("/ops/letters/auth/sent", "/ops/letters/tasks/failed", "/ops/letters/x/failed"):
        assert admin.get(nowhere).status_code == 404


def test_a_killed_worker_is_forgotten_by_its_successor(app: Flask, admin: Visitor) -> None:
    database = app.extensions["ates.database"]
    Life(database, "events", "1.0", pid=2**22 + 1).beat()  # no process has such a number
    Life(database, "events", "1.0", host="elsewhere", pid=2**22 + 1).beat()
    assert "2 of 3" in admin.get("/ops/").text
    Life(database, "events", "1.0").beat()
    page = admin.get("/ops/workers").text
    assert ("elsewhere" in page, str(2**22 + 1) in page) == (True, True)
    assert "2 of 3" in admin.get("/ops/").text


def test_secrets_in_a_payload_are_masked() -> None:
    said = {"name": "Kesha", "password_hash": "$2b$", "deep": [{"apiKey": "x", "token": None}]}
    assert story.masked(said) == {
        "name": "Kesha",
        "password_hash": story.MASK,
        "deep": [{"apiKey": story.MASK, "token": None}],
    }
