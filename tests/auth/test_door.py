"""Signing in and out (R1, S1, S4, S5): what people and thieves see."""

import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from ates.auth import passwords, service
from ates.auth.models import SignedIn, Throttle
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.kernel.errors import DatabaseAway, NotReady
from tests.auth import make
from tests.engines.marks import both
from tests.engines.people import Visitor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WRONG = "The e-mail or the password is wrong."


def tries_of(app: Flask) -> int:
    with app.app_context(), reading("auth") as session:
        return session.scalar(select(func.sum(Throttle.failures))) or 0


# --- in -------------------------------------------------------------------------------------------


@both
def test_the_right_password_opens_the_house(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    answer = make.knock(client, kesha.email)
    assert (answer.status_code, answer.location) == (303, "/")
    assert make.is_in(client)


def test_the_email_is_the_same_in_any_case_and_with_blanks(app: Flask, client: Visitor) -> None:
    make.somebody(app, email="Kesha@popug.example")
    assert make.knock(client, "  kESHA@popug.EXAMPLE ").status_code == 303


def test_the_door_leads_back_to_the_page_one_came_from(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    there = client.get("/auth/me/password")
    assert there.status_code == 303
    answer = client.submit(
        there.location, "/auth/sign-in", email=kesha.email, password=make.PASSWORD
    )
    assert answer.location == "/auth/me/password"


@pytest.mark.parametrize(
    "trick", ["//evil.example", "/\\evil.example", "https://evil.example", "/%2f/evil", "/\t/evil"]
)
def test_the_door_leads_to_no_other_house(app: Flask, client: Visitor, trick: str) -> None:
    kesha = make.somebody(app)
    assert make.knock(client, kesha.email, next=trick).location == "/"


def test_who_is_in_needs_no_door(app: Flask) -> None:
    client = make.enter(app, make.somebody(app))
    assert client.get("/auth/sign-in?next=/auth/me").location == "/auth/me"


def test_the_page_says_that_the_beak_scanner_is_broken(client: Visitor) -> None:
    assert "The beak scanner is broken; a password will do." in client.get("/auth/sign-in").text


def test_the_cookies_are_hidden_from_scripts_but_for_the_one_that_says_yes(
    app: Flask, client: Visitor
) -> None:
    answer = make.knock(client, make.somebody(app).email)
    given = {each.split("=")[0]: each for each in answer.headers.getlist("Set-Cookie")}
    for name in ("ates_session", "ates_token"):
        assert "HttpOnly" in given[name]
        assert "SameSite=Lax" in given[name]
    assert given["signed_in"].startswith("signed_in=1;")


def test_the_id_of_a_session_is_kept_as_its_hash_only(app: Flask) -> None:
    client = make.enter(app, make.somebody(app))
    cookie = client.get_cookie("ates_session")
    assert cookie is not None
    assert len(cookie.value) >= 43  # 256 bits
    with app.app_context(), reading("auth") as session:
        row = session.scalars(select(SignedIn)).one()
    assert row.hash == service.hash_of(cookie.value)
    assert cookie.value not in row.hash


def test_each_sign_in_has_an_id_of_its_own_and_ends_the_one_before(app: Flask) -> None:
    kesha = make.somebody(app)
    client = make.enter(app, kesha)
    thief = make.again(app, client)
    with app.app_context(), transaction("auth") as session:
        service.leave(session, "another")
    fields = make.fields_of(app.test_client(), "/auth/sign-in")  # drawn without the session
    assert fields
    outside = app.test_client()
    fields = make.fields_of(outside, "/auth/sign-in")
    cookie = client.get_cookie("ates_session")
    assert cookie is not None
    outside.set_cookie("ates_session", cookie.value)
    answer = outside.post(
        "/auth/sign-in", data={**fields, "email": kesha.email, "password": make.PASSWORD}
    )
    assert answer.status_code == 303
    assert make.is_in(outside)
    assert not make.is_in(thief)


# --- refused --------------------------------------------------------------------------------------


def test_unknown_inactive_not_yet_set_and_wrong_get_the_same_answer(app: Flask) -> None:
    kesha = make.somebody(app, email="kesha@popug.example")
    gone = make.somebody(app, email="gosha@popug.example")
    make.somebody(app, email="polly@popug.example", password_hash=None)
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, gone.id, by=None)
    pages = set()
    for email, password in [
        (kesha.email, "not the right one"),
        (gone.email, make.PASSWORD),
        ("polly@popug.example", make.PASSWORD),
        ("nobody@popug.example", make.PASSWORD),
        (kesha.email, ""),
        ("", make.PASSWORD),
        ("no address\x00 at all", make.PASSWORD),
        ("x" * 5000, "y" * 5000),
    ]:
        client = app.test_client()
        assert isinstance(client, Visitor)
        with app.app_context(), transaction("auth") as session:
            session.query(Throttle).delete()
        answer = make.knock(client, email, password)
        assert answer.status_code == 422
        assert WRONG in answer.text
        assert "<title>Error: " in answer.text
        assert client.get_cookie("ates_session") is None
        pages.add(tuple(sorted(answer.headers.keys())))
    assert len(pages) == 1


def test_the_email_is_kept_and_the_password_never(client: Visitor) -> None:
    answer = make.knock(client, "kesha@popug.example", "not the right one")
    assert 'value="kesha@popug.example"' in answer.text
    assert "not the right one" not in answer.text


def test_an_unknown_account_costs_as_much_time_as_a_known_one(app: Flask) -> None:
    """Medians of the work behind the door: no list of accounts can be made with a clock."""
    kesha = make.somebody(app)
    times: dict[str, list[float]] = {kesha.email: [], "nobody@popug.example": []}
    for _ in range(9):
        for email, taken in times.items():
            with app.app_context(), transaction("auth") as session:
                candidate = service.admit(session, email=email, address=None)
                began = time.perf_counter()
                assert not passwords.is_right("not the right one", candidate.password_hash)
                taken.append(time.perf_counter() - began)
                session.rollback()
    known, unknown = (statistics.median(each) for each in times.values())
    assert abs(known - unknown) < max(known, unknown) / 2


# --- too often ------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_the_sixth_wrong_password_within_a_minute_waits(
    app: Flask, client: Visitor, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    email = make.somebody(app).email if known else "nobody@popug.example"
    looked_at = 0

    def count(password: str, phc: str | None) -> bool:
        nonlocal looked_at
        looked_at += 1
        return False

    monkeypatch.setattr(passwords, "is_right", count)
    with clock.frozen(NOON):
        answers = [make.knock(client, email, "wrong one") for _ in range(30)]
    assert [each.status_code for each in answers] == [422] * 5 + [429] * 25
    assert "Too many tries. Wait 60 seconds." in answers[-1].text
    assert answers[-1].headers["Retry-After"] == "60"
    assert looked_at == 5
    with clock.frozen(NOON + timedelta(seconds=61)):
        assert make.knock(client, email, "wrong one").status_code == 422


def test_nobody_is_locked_out_who_waits_a_minute(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    at = NOON
    for _ in range(5):
        with clock.frozen(at):
            make.knock(client, kesha.email, "wrong one")
    with clock.frozen(at):
        assert make.knock(client, kesha.email).status_code == 429
    with clock.frozen(at + timedelta(seconds=61)):
        assert make.knock(client, kesha.email).status_code == 303


def test_the_right_password_forgets_the_wrong_ones(app: Flask) -> None:
    kesha = make.somebody(app)
    for _ in range(3):
        client = app.test_client()
        assert isinstance(client, Visitor)
        for _ in range(4):
            make.knock(client, kesha.email, "wrong one")
        assert make.knock(client, kesha.email).status_code == 303


def test_one_address_tries_twenty_accounts_a_minute(app: Flask, client: Visitor) -> None:
    with clock.frozen(NOON):
        answers = [make.knock(client, f"popug{n}@popug.example", "wrong") for n in range(21)]
    assert [each.status_code for each in answers] == [422] * 20 + [429]


def test_an_overloaded_house_answers_503_and_counts_nothing(
    app: Flask, client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(password: str, phc: str | None) -> bool:
        raise NotReady(passwords.BUSY)

    monkeypatch.setattr(passwords, "is_right", busy)
    answer = make.knock(client, "kesha@popug.example")
    assert answer.status_code == 503
    assert passwords.BUSY in answer.text
    assert tries_of(app) == 0


def test_a_database_that_is_away_looks_at_no_password(
    app: Flask, client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = make.fields_of(client, make.DOOR)
    looked_at: list[str] = []
    monkeypatch.setattr(passwords, "is_right", lambda password, phc: looked_at.append(password))

    def away(*_: object, **__: object) -> None:
        raise DatabaseAway("gone")

    monkeypatch.setattr(service, "admit", away)
    answer = client.post(make.DOOR, data={**fields, "email": "a@b", "password": "x"})
    assert answer.status_code == 503
    assert looked_at == []
