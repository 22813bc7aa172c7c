"""Sessions: out is out, and a new role counts at once (S1, S23)."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask
from sqlalchemy import select

from ates.auth import passwords, service
from ates.auth.models import Person, SignedIn
from ates.contracts.auth import Role
from ates.kernel import clock, ids
from ates.kernel.db import reading, transaction
from tests.auth import make
from tests.engines.people import Visitor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_copy_of_the_cookies_is_worthless_after_sign_out(app: Flask) -> None:
    client = make.enter(app, make.somebody(app))
    thief = make.again(app, client)
    assert make.is_in(thief)
    answer = client.submit(make.INSIDE, "/auth/sign-out")
    assert answer.location == "/auth/sign-in"
    assert client.get_cookie("ates_session") is None
    assert not make.is_in(thief)


def test_signing_out_twice_is_signing_out(app: Flask, client: Visitor) -> None:
    inside = make.enter(app, make.somebody(app))
    fields = make.fields_of(inside, make.INSIDE, "/auth/sign-out")
    for _ in range(2):
        assert inside.post("/auth/sign-out", data=fields).status_code == 303
    assert client.submit("/auth/sign-in", email="", password="").status_code == 422


def test_a_deactivated_person_is_out_at_once_everywhere(app: Flask) -> None:
    kesha = make.somebody(app)
    browsers = [make.enter(app, kesha), make.enter(app, kesha)]
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, kesha.id, by=None)
    assert [make.is_in(each) for each in browsers] == [False, False]
    with app.app_context(), transaction("auth") as session:
        service.activate(session, kesha.id, by=None)
    assert [make.is_in(each) for each in browsers] == [False, False], "old cookies stay dead"
    assert make.is_in(make.enter(app, kesha))


def test_a_new_password_ends_all_other_sessions_and_gives_this_one_a_new_id(app: Flask) -> None:
    kesha = make.somebody(app)
    other, client = make.enter(app, kesha), make.enter(app, kesha)
    thief = make.again(app, client)
    answer = client.submit(
        "/auth/me/password", old_password=make.PASSWORD, password="four birds on a roof"
    )
    assert answer.location == "/auth/me"
    assert make.is_in(client)
    assert not make.is_in(other)
    assert not make.is_in(thief)
    again = app.test_client()
    assert isinstance(again, Visitor)
    assert make.knock(again, kesha.email).status_code == 422
    assert make.knock(again, kesha.email, "four birds on a roof").status_code == 303


def test_who_does_not_know_the_old_password_sets_no_new_one(app: Flask) -> None:
    kesha = make.somebody(app)
    client = make.enter(app, kesha)
    for old in ("", "wrong one", "four birds on a roof"):
        answer = client.submit(
            "/auth/me/password", old_password=old, password="four birds on a roof"
        )
        assert answer.status_code == 422
        assert "This is not your present password." in answer.text
    assert make.is_in(make.enter(app, kesha))


@pytest.mark.parametrize(
    ("pause", "times", "inside"),
    [
        (timedelta(minutes=59), 1, True),
        (timedelta(minutes=61), 1, False),
        (timedelta(minutes=50), 14, True),  # 11 h 40 min
        (timedelta(minutes=50), 15, False),  # 12 h 30 min
    ],
)
def test_a_session_ends_after_an_idle_hour_or_twelve_in_all(
    app: Flask, pause: timedelta, times: int, inside: bool
) -> None:
    with clock.frozen(NOON):
        client = make.enter(app, make.somebody(app))
    for number in range(1, times + 1):
        with clock.frozen(NOON + number * pause):
            found = make.is_in(client)
    assert found is inside


def test_the_use_of_a_session_is_written_down_every_five_minutes_at_most(app: Flask) -> None:
    def used() -> datetime:
        with app.app_context(), reading("auth") as session:
            return session.scalars(select(SignedIn.last_used_at)).one()

    with clock.frozen(NOON):
        client = make.enter(app, make.somebody(app))
    moments = []
    for minutes in (1, 4, 5, 7, 9, 11):
        with clock.frozen(NOON + timedelta(minutes=minutes)):
            client.get(make.INSIDE)
        moments.append((used() - NOON).seconds // 60)
    assert moments == [0, 0, 5, 5, 5, 11]


def test_a_new_role_counts_from_the_next_request(app: Flask) -> None:
    kesha = make.somebody(app)
    client = make.enter(app, kesha)
    assert client.get("/auth/people/").status_code == 403
    with app.app_context(), transaction("auth") as session:
        service.change_role(session, kesha.id, Role.ADMIN, by=None)
    assert client.get("/auth/people/").status_code == 200
    with app.app_context(), transaction("auth") as session:
        make.person(session, Role.ADMIN)
        service.change_role(session, kesha.id, Role.EMPLOYEE, by=None)
    assert client.get("/auth/people/").status_code == 403


def test_a_token_of_before_does_not_bring_the_old_role_back(app: Flask) -> None:
    make.somebody(app, Role.ADMIN)
    kesha = make.somebody(app, Role.ADMIN)
    client = make.enter(app, kesha)
    old = client.get_cookie("ates_token")
    assert old is not None
    with app.app_context(), transaction("auth") as session:
        service.change_role(session, kesha.id, Role.EMPLOYEE, by=None)
    client.set_cookie("ates_token", old.value)
    assert client.get("/auth/people/").status_code == 403


def test_a_token_without_its_session_opens_nothing(app: Flask) -> None:
    client = make.enter(app, make.somebody(app))
    client.set_cookie("ates_session", ids.token(32))
    assert not make.is_in(client)
    client.delete_cookie("ates_session")
    assert not make.is_in(client)


def test_another_persons_token_with_the_own_session_opens_nothing(app: Flask) -> None:
    admin, kesha = (
        make.enter(app, make.somebody(app, Role.ADMIN)),
        make.enter(app, make.somebody(app)),
    )
    token = admin.get_cookie("ates_token")
    assert token is not None
    kesha.set_cookie("ates_token", token.value)
    assert not make.is_in(kesha)


def test_an_outdated_hash_is_made_anew_at_the_next_sign_in(app: Flask, client: Visitor) -> None:
    old = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
    kdf = Argon2id(salt=b"somesaltsomesalt", length=32, iterations=1, lanes=1, memory_cost=8192)
    phc = kdf.derive_phc_encoded(make.PASSWORD.encode())
    assert phc.startswith(old)
    kesha = make.somebody(app, password_hash=phc)
    assert make.knock(client, kesha.email).status_code == 303
    with app.app_context(), reading("auth") as session:
        row = session.get_one(Person, kesha.id)
    assert row.password_hash is not None
    assert not passwords.outdated(row.password_hash)
    assert row.epoch == 1, "the same password: no session ends"
    assert make.is_in(make.enter(app, kesha))


def test_the_last_sign_in_is_remembered_without_an_event(app: Flask, said: list[object]) -> None:
    kesha = make.somebody(app)
    with clock.frozen(NOON):
        make.enter(app, kesha)
    with app.app_context(), reading("auth") as session:
        assert session.get_one(Person, kesha.id).last_sign_in_at == NOON
    assert len(said) == 1
