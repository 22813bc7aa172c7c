"""One-time links: invitations, resets, and their letters."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from ates.auth import service
from ates.auth.models import Letter, Link
from ates.kernel import clock, mail
from ates.kernel.db import reading, transaction
from tests.auth import make
from tests.engines.marks import both
from tests.engines.people import Visitor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEW = "four birds on a roof"
FORGOT = "/auth/forgot"
ON_ITS_WAY = "If this address is known, a letter is on its way."


def letters_of(app: Flask) -> list[str]:
    """Send what is due; the letters that lie in the folder."""
    with app.app_context():
        mail.send_due(5)
    folder = app.extensions["ates.config"].mail_folder
    return [each.read_text() for each in sorted(folder.glob("*.eml"))]


def count(app: Flask, model: type[Link] | type[Letter]) -> int:
    with app.app_context(), reading("auth") as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@both
def test_a_forgotten_password_is_set_anew_by_the_link_in_the_letter(
    app: Flask, client: Visitor
) -> None:
    kesha = make.somebody(app)
    answer = client.submit(FORGOT, email=kesha.email.upper())
    assert answer.location == "/auth/sign-in"
    assert ON_ITS_WAY in client.get(answer.location).text
    (letter,) = letters_of(app)
    assert f"To: {kesha.email}" in letter
    found = re.search(r"http://\S+(/auth/reset/\S+)", letter)
    assert found is not None
    answer = client.submit(found[1], password=NEW)
    assert answer.location == "/auth/sign-in"
    assert make.knock(client, kesha.email, NEW).status_code == 303


def test_an_unknown_and_an_inactive_address_get_the_same_answer_and_no_letter(
    app: Flask, client: Visitor
) -> None:
    gone = make.somebody(app)
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, gone.id, by=None)
    for email in ("nobody@popug.example", gone.email):
        answer = client.submit(FORGOT, email=email)
        assert answer.location == "/auth/sign-in"
        assert ON_ITS_WAY in client.get(answer.location).text
    assert letters_of(app) == []


def test_what_is_no_address_is_said_so(client: Visitor) -> None:
    answer = client.submit(FORGOT, email="kesha at home")
    assert answer.status_code == 422
    assert 'value="kesha at home"' in answer.text


def test_pressing_again_and_again_sends_one_letter(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    with clock.frozen(NOON):
        for _ in range(5):
            client.submit(FORGOT, email=kesha.email)
        assert count(app, Letter) == 1
    with clock.frozen(NOON + timedelta(minutes=3)):
        client.submit(FORGOT, email=kesha.email)
    assert count(app, Letter) == 2


def test_the_twenty_first_request_of_a_minute_waits(client: Visitor) -> None:
    with clock.frozen(NOON):
        answers = [client.submit(FORGOT, email=f"a{n}@popug.example") for n in range(21)]
    assert [each.status_code for each in answers] == [303] * 20 + [429]


def test_nothing_in_the_database_is_the_secret_of_a_link(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (path,) = make.links_of(app, kesha)
    secret = path.rpartition("/")[2]
    with app.app_context(), reading("auth") as session:
        rows = [
            *session.execute(select(Link.__table__)),
            *session.execute(select(Letter.__table__)),
        ]
    assert len(rows) == 2
    assert secret[24:] not in repr(rows)


def test_a_repeated_letter_has_the_same_link_and_message_id(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (first,) = letters_of(app)
    with app.app_context(), transaction("auth") as session:
        row = session.scalars(select(Letter)).one()
        row.state, row.next_try_at = mail.LetterState.UNKNOWN, clock.now()
    assert set(letters_of(app)) == {first}


def test_a_link_works_once(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (path,) = make.links_of(app, kesha)
    fields = make.fields_of(client, path)
    assert client.post(path, data={**fields, "password": NEW}).status_code == 303
    for answer in (client.get(path), client.post(path, data={**fields, "password": "x" + NEW})):
        assert answer.status_code == 404
        assert "This link does not work any more. Ask for a new one." in answer.text
    assert make.knock(client, kesha.email, NEW).status_code == 303


def test_looking_at_a_link_does_not_use_it_up(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (path,) = make.links_of(app, kesha)
    for _ in range(3):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
    assert client.submit(path, password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("invited", "life"), [(True, timedelta(days=7)), (False, timedelta(minutes=30))]
)
def test_an_invitation_works_seven_days_and_a_reset_thirty_minutes(
    app: Flask, client: Visitor, invited: bool, life: timedelta
) -> None:
    with clock.frozen(NOON):
        phc = None if invited else make.password_hash()
        kesha = make.somebody(app, password_hash=phc)
        with app.app_context(), transaction("auth") as session:
            service.invite(session, kesha.id)
    (path,) = make.links_of(app, kesha)
    assert path.startswith("/auth/invitation/" if invited else "/auth/reset/")
    with clock.frozen(NOON + life - timedelta(seconds=1)):
        assert client.get(path).status_code == 200
    with clock.frozen(NOON + life):
        assert client.get(path).status_code == 404


def test_a_link_of_one_kind_is_none_of_the_other(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (path,) = make.links_of(app, kesha)
    assert client.get(path.replace("/reset/", "/invitation/")).status_code == 404
    for forged in (path[:-1] + ("A" if path[-1] != "A" else "B"), "/auth/reset/x", path + "A"):
        assert client.get(forged).status_code == 404


def test_a_refused_password_leaves_the_link_alone(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    client.submit(FORGOT, email=kesha.email)
    (path,) = make.links_of(app, kesha)
    for bad in ("", "short", "popugpopug", kesha.email):
        answer = client.submit(path, password=bad)
        assert answer.status_code == 422
        assert "Error: " in answer.text
    assert client.submit(path, password=NEW).status_code == 303


def test_a_used_link_ends_all_sessions_and_all_other_links(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    inside = make.enter(app, kesha)
    with app.app_context(), transaction("auth") as session:
        service.invite(session, kesha.id)
        service.invite(session, kesha.id)
    first, second = make.links_of(app, kesha)
    client.submit(second, password=NEW)
    assert client.get(first).status_code == 404
    assert not make.is_in(inside)


def test_links_end_with_deactivation_and_with_a_new_address(app: Flask, client: Visitor) -> None:
    kesha, gosha = make.somebody(app), make.somebody(app)
    with app.app_context(), transaction("auth") as session:
        service.invite(session, kesha.id)
        service.invite(session, gosha.id)
    paths = make.links_of(app, kesha) + make.links_of(app, gosha)
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, kesha.id, by=None)
        service.change_details(
            session, gosha.id, email="new@popug.example", name="G", trade=None, locale="en"
        )
    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert letters_of(app) == [], "a letter that leads nowhere is not sent"


def test_a_letter_is_written_in_the_language_of_its_reader(app: Flask) -> None:
    kesha = make.somebody(app, locale="ru", password_hash=None)
    with app.app_context(), transaction("auth") as session:
        service.invite(session, kesha.id)
    (letter,) = letters_of(app)
    assert "/auth/invitation/" in letter
    assert kesha.name not in letter.partition("\n\n")[0].partition("Subject:")[2]
