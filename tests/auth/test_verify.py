"""What `verify` says of people, sessions and tokens."""

from typing import Any

from flask import Flask
from sqlalchemy import update

from ates.auth import service
from ates.auth.models import Person, Scope
from ates.auth.verify import verify
from ates.contracts.auth import Role
from ates.kernel.db import transaction
from tests.auth import make
from tests.engines.marks import both


def look(app: Flask, full: bool = True) -> list[str]:
    with app.app_context():
        return verify(full)


@both
def test_a_sound_part_has_nothing_to_say(app: Flask, drain: Any) -> None:
    assert look(app) == []
    make.somebody(app, Role.ADMIN)
    kesha = make.somebody(app)
    assert look(app) == [], "said, not yet numbered"
    drain()
    with app.app_context(), transaction("auth") as session:
        service.issue_token(session, kesha.id, name="report", scope=Scope.READ)
        service.open_session(session, kesha.id)
        service.deactivate(session, kesha.id, by=None)
    assert look(app) == look(app, full=False) == []


@both
def test_each_fault_is_named(app: Flask, drain: Any) -> None:
    kesha, margo = make.somebody(app), make.somebody(app)
    assert look(app, full=False) == ["There is no active admin."]
    make.somebody(app, Role.ADMIN)
    with app.app_context(), transaction("auth") as session:
        issued = service.issue_token(session, kesha.id, name="report", scope=Scope.READ)
        service.open_session(session, kesha.id)
        session.execute(update(Person).where(Person.id == kesha.id).values(active=False))
        session.execute(update(Person).where(Person.id == margo.id).values(email_key="x", said=3))
    quick = [
        f"Person {margo.id} is found under another e-mail than the written one.",
        f"Person {kesha.id} is not active but has a session.",
        f"Token {issued.id} of a person who is not active is not revoked.",
    ]
    assert look(app, full=False) == quick
    assert look(app) == [*quick, f"Person {margo.id} said 3 events, the log has 1."]
