"""API tokens: issued once to be seen once, used until they are over, revoked for good (S24).

A revoked token raises its person's epoch (resilience.md, chapter 9): a part taken out, which holds
an access token got in exchange for it, then refuses that one. It signs nobody out: sessions are
rows of their own, and the browser's next request brings it a new access token with the new epoch.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import TOKEN_LIFE, TOUCHED_EACH, Person, Scope, Token
from ates.auth.service.links import INACTIVE
from ates.auth.service.people import locked, say
from ates.kernel import clock, ids
from ates.kernel.errors import N_, Conflict, NotFound

PREFIX = "ates_"  # so that a scanner of repositories and logs knows one when it sees it
BYTES = 32

NO_TOKEN = N_("There is no such token.")


@dataclass(frozen=True)
class Issued:
    """A token that was just made. `secret` exists here and nowhere else: it is shown and lost."""

    id: UUID
    name: str
    scope: Scope
    ends_at: datetime
    secret: str

    def __repr__(self) -> str:  # a log line or a traceback must not tell it
        return f"Issued({self.id})"


def hash_of_token(secret: str) -> str:
    """What is kept of a token."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def issue_token(session: Session, person_id: UUID, *, name: str, scope: Scope) -> Issued:
    """Make a token that acts in a person's name for a year.

    Raises NotFound, Conflict for somebody who is not active, Invalid for a name that does not fit.
    """
    clean = details.token_name(name)
    person = locked(session, person_id)
    if not person.active:
        raise Conflict(INACTIVE)
    at, secret = clock.now(), PREFIX + ids.token(BYTES)
    row = Token(
        id=ids.new(),
        person_id=person.id,
        name=clean,
        hash=hash_of_token(secret),
        scope=scope,
        made_at=at,
        ends_at=at + TOKEN_LIFE,
    )
    session.add(row)
    session.flush()
    return Issued(row.id, row.name, scope, row.ends_at, secret)


def revoke_token(session: Session, token_id: UUID, *, of: UUID | None) -> bool:
    """End a token for good; whether it was still there to end. Idempotent.

    `of` is its owner, None for the command line. Raises NotFound, also for somebody else's.
    """
    found = session.execute(select(Token.person_id).where(Token.id == token_id)).first()
    if found is None or of not in (None, found.person_id):
        raise NotFound(NO_TOKEN)
    person = locked(session, found.person_id)  # the person first, as everywhere
    ended = session.execute(
        update(Token)
        .where(Token.id == token_id, Token.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(Token.id)
    ).first()
    if ended is not None:
        _raise_epoch(session, person)
    return ended is not None


def touch_token(session: Session, token_id: UUID, at: datetime) -> None:
    """Write down that a token was used; never back in time."""
    session.execute(
        update(Token)
        .where(Token.id == token_id, (Token.last_used_at < at) | Token.last_used_at.is_(None))
        .values(last_used_at=at)
    )


def worth_noting(last_used_at: datetime | None, at: datetime) -> bool:
    """Whether the use of a token is worth writing down: each five minutes at most."""
    return last_used_at is None or at - last_used_at >= TOUCHED_EACH


def _raise_epoch(session: Session, person: Person) -> None:
    person.epoch += 1
    say(session, person)
