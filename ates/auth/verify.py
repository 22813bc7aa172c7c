"""What must hold of people, sessions and tokens: each thing that does not is one sentence."""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import Person, SignedIn, Token
from ates.contracts.auth import PersonChanged, Role
from ates.kernel.db import reading
from ates.kernel.events import contract_of
from ates.kernel.tables import event_log, log_head, outbox

SHOWN = 100


def verify(full: bool) -> list[str]:
    """The first hundred sentences; none of a sound part. `full` compares with the log too."""
    with reading("auth") as session:
        return list(islice(_all(session, full), SHOWN))


def _all(session: Session, full: bool) -> Iterator[str]:
    yield from _admins(session)
    yield from _keys(session)
    yield from _shut_out(session)
    if full:
        yield from _said(session)


def _admins(session: Session) -> Iterator[str]:
    """Somebody can appoint others (R3); before the first person nobody can."""
    admins = select(Person.id).where(Person.role == Role.ADMIN, Person.active).limit(1)
    if session.scalar(admins) is None and session.scalar(select(Person.id).limit(1)) is not None:
        yield "There is no active admin."


def _keys(session: Session) -> Iterator[str]:
    """One account per address in any case; the database keeps the keys unique."""
    rows = session.execute(select(Person.id, Person.email, Person.email_key))
    for row in rows.yield_per(1000):
        if details.folded(row.email) != row.email_key:
            yield f"Person {row.id} is found under another e-mail than the written one."


def _shut_out(session: Session) -> Iterator[str]:
    """Who is not active has nothing that could open a door (S23)."""
    inactive = select(Person.id).where(~Person.active)
    sessions = select(SignedIn.person_id).where(SignedIn.person_id.in_(inactive)).distinct()
    for person_id in session.scalars(sessions.limit(SHOWN)):
        yield f"Person {person_id} is not active but has a session."
    tokens = select(Token.id).where(Token.revoked_at.is_(None), Token.person_id.in_(inactive))
    for token_id in session.scalars(tokens.limit(SHOWN)):
        yield f"Token {token_id} of a person who is not active is not revoked."


def _said(session: Session) -> Iterator[str]:
    """Each person's number of events is the last one published; pruned ones cannot be asked."""
    last, pruned = _published(session), session.scalar(select(func.max(log_head.c.floor)))
    for person_id, said in session.execute(select(Person.id, Person.said)).yield_per(1000):
        found = last.pop(f"person_id:{person_id}", None if pruned else 0)
        if found not in (None, said):
            yield f"Person {person_id} said {said} events, the log has {found}."
    for key in last:
        yield f"The log speaks of {key}, whom nobody registered."


def _published(session: Session) -> dict[str, int]:
    """The number of each stream's last event, numbered or still to be: in one snapshot."""
    source = contract_of(PersonChanged).source
    both = union_all(
        *(
            select(table.c.key, table.c.key_version).where(table.c.source == source)
            for table in (event_log, outbox)
        )
    ).subquery()
    latest = select(both.c.key, func.max(both.c.key_version)).group_by(both.c.key)
    return dict(session.execute(latest).all())
