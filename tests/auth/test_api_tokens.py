"""API tokens: shown once, kept as a hash, ended for good (S24)."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import MetaData, event, select, update

from ates.auth import service
from ates.auth.gate import SessionGate
from ates.auth.models import Base, Person, Scope, Token
from ates.auth.service import Issued
from ates.contracts.auth import PersonChanged, Role
from ates.kernel import clock
from ates.kernel.db import Database, reading, transaction
from ates.kernel.errors import Invalid
from ates.web.identity import Bearer
from tests.auth import make
from tests.engines.marks import both

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def issue(app: Flask, who: Person, scope: Scope = Scope.READ, name: str = "report") -> Issued:
    with app.app_context(), transaction("auth") as session:
        return service.issue_token(session, who.id, name=name, scope=scope)


def bearer(app: Flask, token: str) -> Bearer | None:
    with app.app_context():
        return SessionGate().bearer(token)


def row_of(app: Flask, issued: Issued) -> Token:
    with app.app_context(), reading("auth") as session:
        return session.get_one(Token, issued.id)


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=["auth", *args])


# --- what opens -----------------------------------------------------------------------------------


@both
def test_a_token_acts_as_its_person_until_it_is_revoked(app: Flask) -> None:
    kesha = make.somebody(app, Role.MANAGER, locale="ru")
    issued, other = issue(app, kesha), issue(app, kesha, Scope.WRITE)
    assert issued.secret.startswith("ates_")
    assert len(issued.secret) == 48
    assert bearer(app, issued.secret) == Bearer(
        person_id=kesha.id, name=kesha.name, role=Role.MANAGER, locale="ru", epoch=1, level=1,
        scope="read",
    )  # fmt: skip
    with app.app_context(), transaction("auth") as session:
        assert service.revoke_token(session, issued.id, of=kesha.id)
        assert not service.revoke_token(session, issued.id, of=None)
    assert bearer(app, issued.secret) is None
    left = bearer(app, other.secret)
    assert left is not None
    assert (left.scope, left.epoch) == ("write", 2)


def test_a_revoked_token_raises_the_epoch_and_signs_nobody_out(app: Flask, said: list[Any]) -> None:
    kesha = make.somebody(app)
    browser, issued = make.enter(app, kesha), issue(app, kesha)
    assert make.is_in(browser)
    said.clear()
    with app.app_context(), transaction("auth") as session:
        service.revoke_token(session, issued.id, of=kesha.id)
    assert [(type(each), each.epoch) for each in said] == [(PersonChanged, 2)]
    assert make.is_in(browser)


@pytest.mark.parametrize("token", ["", "ates_", "ates_" + "A" * 43, "é", "\udcff", "a\x00b"])
def test_what_is_no_token_opens_nothing(app: Flask, token: str) -> None:
    issue(app, make.somebody(app))
    assert bearer(app, token) is None


def test_neither_the_hash_nor_the_id_of_a_token_opens(app: Flask) -> None:
    issued = issue(app, make.somebody(app))
    row = row_of(app, issued)
    for other in (row.hash, str(row.id), f"ates_{row.hash}", issued.secret.lower()):
        assert bearer(app, other) is None


def test_a_token_ends_after_a_year(app: Flask) -> None:
    with clock.frozen(NOON):
        issued = issue(app, make.somebody(app))
    for passed, opens in [(timedelta(days=364, hours=23), True), (timedelta(days=365), False)]:
        with clock.frozen(NOON + passed):
            assert (bearer(app, issued.secret) is not None) is opens


def test_a_deactivated_persons_tokens_are_void_for_good(app: Flask) -> None:
    kesha = make.somebody(app)
    issued = issue(app, kesha)
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, kesha.id, by=None)
    assert bearer(app, issued.secret) is None
    with app.app_context(), transaction("auth") as session:
        service.activate(session, kesha.id, by=None)
    assert bearer(app, issued.secret) is None
    with app.app_context(), transaction("auth") as session:  # also where nobody revoked it
        session.execute(update(Token).values(revoked_at=None))
        session.execute(update(Person).values(active=False))
    assert bearer(app, issued.secret) is None


def test_the_last_use_is_noted_each_five_minutes_at_most(app: Flask) -> None:
    with clock.frozen(NOON):
        issued = issue(app, make.somebody(app))
    moments = [(0, 0), (4, 0), (5, 5), (9, 5), (11, 11)]
    for minutes, noted in moments:
        with clock.frozen(NOON + timedelta(minutes=minutes)):
            assert bearer(app, issued.secret)
        assert row_of(app, issued).last_used_at == NOON + timedelta(minutes=noted)


def test_a_known_and_an_unknown_token_cost_one_statement(app: Flask, database: Database) -> None:
    issued = issue(app, make.somebody(app))
    bearer(app, issued.secret)  # its use is noted now
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    for token in (issued.secret, "ates_" + "A" * 43, ""):
        asked.clear()
        bearer(app, token)
        assert sum(each.startswith("SELECT") for each in asked) == 1
        assert len(asked) == 1, "and nothing beside it"


# --- what is kept and told ------------------------------------------------------------------------


def test_nothing_is_kept_of_a_token_but_its_hash(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kesha = make.somebody(app)
    issued = issue(app, kesha)
    client = app.test_client()
    answer = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {issued.secret}"})
    assert answer.status_code == 200
    wrong = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {issued.secret}x"})
    assert wrong.status_code == 401
    told = [answer.text, wrong.text, str(answer.headers), caplog.text, repr(issued)]
    assert issued.secret[5:] not in "".join(told) + everything(app, Base.metadata)


def everything(app: Flask, tables: MetaData) -> str:
    """All that stands in the tables of auth."""
    with app.app_context(), reading("auth") as session:
        return str([session.execute(select(each)).all() for each in tables.sorted_tables])


def test_a_token_has_a_name(app: Flask) -> None:
    kesha = make.somebody(app)
    for name in ("", " ", "\u200d", "x" * 51, "a\u202eb"):
        with pytest.raises(Invalid) as refused:
            issue(app, kesha, name=name)
        assert list(refused.value.fields) == ["name"]
    assert issue(app, kesha, name=" Отчёт ").name == "Отчёт"


# --- commands -------------------------------------------------------------------------------------


def test_an_operator_makes_lists_and_revokes_tokens(app: Flask) -> None:
    kesha = make.somebody(app, email="Kesha@popug.example")
    done = run(app, "token", "--email", "kesha@POPUG.example")
    assert done.exit_code == 0
    secret = done.stdout.strip()
    assert bearer(app, secret) is not None
    assert "Acts as" in done.stderr
    assert secret not in done.stderr
    written = json.loads(
        run(
            app, "token", "--email", kesha.email, "--scope", "write", "--name", "x", "--json"
        ).stdout
    )
    assert list(written) == ["token"]
    found = bearer(app, written["token"])
    assert found is not None
    assert found.scope == "write"
    listed = run(app, "tokens", "--email", kesha.email, "--json").stdout.splitlines()
    newest, oldest = map(json.loads, listed)
    assert (newest["name"], newest["scope"], newest["state"]) == ("x", "write", "works")
    assert (oldest["name"], oldest["scope"]) == ("command line", "read")
    for sentence in ("The token is revoked.", "The token was revoked before."):
        ended = run(app, "revoke-token", oldest["id"])
        assert (ended.exit_code, ended.stdout) == (0, sentence + "\n")
    assert bearer(app, secret) is None
    lines = run(app, "tokens", "--email", kesha.email).stdout
    assert [line.split()[1] for line in lines.splitlines()] == ["works", "revoked"]
    assert secret not in lines


def test_refused_commands_are_one_sentence_and_exit_1(app: Flask) -> None:
    gone = make.somebody(app)
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, gone.id, by=None)
    for args, sentence in [
        (("token", "--email", "x@popug.example"), "There is no such person."),
        (("tokens", "--email", "x@popug.example"), "There is no such person."),
        (("token", "--email", gone.email), "This person is not active."),
        (("revoke-token", str(gone.id)), "There is no such token."),
    ]:
        done = run(app, *args)
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", sentence + "\n")
    assert run(app, "token", "--email", "x", "--scope", "all").exit_code == 2
    assert run(app, "revoke-token", "x").exit_code == 2
