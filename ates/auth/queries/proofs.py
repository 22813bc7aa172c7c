"""What proves who somebody is: sessions and API tokens, by their hash or of one person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, select
from sqlalchemy.orm import Session

from ates.auth.models import IDLE, LONGEST, TOUCHED_EACH, Person, Scope, SignedIn, Token
from ates.auth.service.tokens import NO_TOKEN
from ates.auth.tokens import Subject
from ates.contracts.auth import Role
from ates.kernel.asking import columns
from ates.kernel.errors import NotFound

SHOWN = 100  # sessions on a page; all others end with one press

# Asked at each request, and so made once; columns alone, since rows of the ORM take twice as long.
_SESSION = (
    select(
        SignedIn.hash,
        Person.id,
        Person.name,
        Person.role,
        Person.locale,
        Person.epoch,
        SignedIn.level,
        SignedIn.made_at,
        SignedIn.last_used_at,
    )
    .join(Person, Person.id == SignedIn.person_id)
    .where(SignedIn.hash == bindparam("hash"), Person.active)
)


@dataclass(frozen=True)
class Found:
    """A session with whose it is."""

    subject: Subject
    made_at: datetime
    last_used_at: datetime

    def over(self, at: datetime) -> bool:
        """After an hour without use, or twelve in all."""
        return at - self.last_used_at > IDLE or at - self.made_at > LONGEST

    def stale(self, at: datetime) -> bool:
        """Whether its use is worth writing down: each five minutes at most."""
        return at - self.last_used_at >= TOUCHED_EACH


@dataclass(frozen=True)
class Bearing:
    """An API token that works, with whose it is now."""

    token_id: UUID
    scope: Scope
    last_used_at: datetime | None
    person_id: UUID
    name: str
    role: Role
    locale: str
    epoch: int


@dataclass(frozen=True)
class SessionRow:
    """A session as its owner sees it; the hash names it and proves nothing."""

    hash: str
    made_at: datetime
    last_used_at: datetime


@dataclass(frozen=True)
class TokenRow:
    """An API token as its owner sees it."""

    id: UUID
    name: str
    scope: Scope
    made_at: datetime
    ends_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def state(self, at: datetime) -> str:
        """`works`, `over` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "works" if at < self.ends_at else "over"


@dataclass(frozen=True)
class Tokens:
    """One page of a person's tokens, newest first; `after` leads to the next one."""

    rows: tuple[TokenRow, ...]
    after: UUID | None


def session_of(session: Session, session_hash: str) -> Found | None:
    """The session with this hash and its active person; it may be over."""
    found = columns(session, _SESSION, hash=session_hash).first()
    if found is None:
        return None
    subject = Subject(
        session=found.hash,
        person_id=found.id,
        name=found.name,
        role=Role(found.role),
        locale=found.locale,
        epoch=found.epoch,
        level=found.level,
    )
    return Found(subject, found.made_at, found.last_used_at)


def token_of(session: Session, token_hash: str, *, at: datetime) -> Bearing | None:
    """The API token with this hash, if it works at `at`: not over, not revoked, its person active.

    One statement on a unique key, the same for a token that is known and one that is not.
    """
    found = session.execute(
        select(
            Token.id.label("token_id"),
            Token.scope,
            Token.last_used_at,
            Token.person_id,
            Person.name,
            Person.role,
            Person.locale,
            Person.epoch,
        )
        .join(Person, Person.id == Token.person_id)
        .where(Token.hash == token_hash, _works(at), Person.active)
    ).first()
    if found is None:
        return None
    values = dict(found._mapping)
    return Bearing(**{**values, "scope": Scope(found.scope), "role": Role(found.role)})


def sessions_of(session: Session, person_id: UUID, *, at: datetime) -> list[SessionRow]:
    """The sessions of a person that are alive, the last used first."""
    rows = session.execute(
        select(SignedIn.hash, SignedIn.made_at, SignedIn.last_used_at)
        .where(
            SignedIn.person_id == person_id,
            SignedIn.last_used_at >= at - IDLE,
            SignedIn.made_at >= at - LONGEST,
        )
        .order_by(SignedIn.last_used_at.desc(), SignedIn.hash)
        .limit(SHOWN)
    )
    return [SessionRow(*row) for row in rows]


def tokens_of(
    session: Session,
    person_id: UUID,
    *,
    revoked: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> Tokens:
    """A person's tokens, newest first; those that were revoked only if asked for."""
    wanted = _TOKENS.where(Token.person_id == person_id)
    if not revoked:
        wanted = wanted.where(Token.revoked_at.is_(None))
    if after is not None:
        wanted = wanted.where(Token.id < after)
    found = session.execute(wanted.order_by(Token.id.desc()).limit(limit + 1)).all()
    rows = tuple(_row(each) for each in found[:limit])
    return Tokens(rows, rows[-1].id if len(found) > limit else None)


def token(session: Session, token_id: UUID, *, of: UUID) -> TokenRow:
    """One token of a person. Raises NotFound, also for somebody else's."""
    found = session.execute(_TOKENS.where(Token.id == token_id, Token.person_id == of)).first()
    if found is None:
        raise NotFound(NO_TOKEN)
    return _row(found)


_Wanted = Select[UUID, str, Scope, datetime, datetime, datetime | None, datetime | None]
_TOKENS: _Wanted = select(
    Token.id,
    Token.name,
    Token.scope,
    Token.made_at,
    Token.ends_at,
    Token.last_used_at,
    Token.revoked_at,
)


def _works(at: datetime) -> ColumnElement[bool]:
    return and_(Token.revoked_at.is_(None), Token.ends_at > at)


def _row(found: Row[*tuple[object, ...]]) -> TokenRow:
    values = dict(found._mapping)
    return TokenRow(**{**values, "scope": Scope(values["scope"])})
