"""Signing in and out: admitted by the throttle, entered with a session row, left by its end.

The password is checked between `admit` and `enter`, outside of any transaction: hashing takes its
time on purpose, and no lock may be held meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ates.auth import details, throttle
from ates.auth.models import LONGEST, Person, SignedIn, Throttle
from ates.auth.service.people import locked, set_password
from ates.auth.throttle import ACCOUNT, ADDRESS, Rule, Tries
from ates.kernel import clock, db, ids
from ates.kernel.errors import N_, Invalid, TooMany

WRONG = N_("The e-mail or the password is wrong.")
TOO_OFTEN = N_("Too many tries. Wait %(seconds)s seconds.")


@dataclass(frozen=True)
class Candidate:
    """Who claims to be whom; `password_hash` is None for nobody we know."""

    email: str
    address: str | None
    person_id: UUID | None
    password_hash: str | None


def hash_of(session_id: str) -> str:
    """What is kept of a session's id."""
    return sha256(session_id.encode()).hexdigest()


def admit(session: Session, *, email: str, address: str | None) -> Candidate:
    """Count a try before anything is hashed; known and unknown accounts alike (S4, S5).

    Raises TooMany, which counts nothing.
    """
    for key, rule in _rules(email, address):
        _count(session, key, rule)
    # Text that is no address is asked for under a key nobody has: the same work, and no odd bytes.
    key = details.folded(email) if details.is_email(email.strip()) else ""
    found = session.execute(
        select(Person.id, Person.password_hash).where(Person.email_key == key, Person.active)
    ).first()
    return Candidate(email, address, found and found.id, found and found.password_hash)


def admit_address(session: Session, address: str | None) -> None:
    """Count an act of somebody unknown at an address. Raises TooMany."""
    _count(session, throttle.address_key(address), ADDRESS)


def give_back(session: Session, candidate: Candidate) -> None:
    """The try could not be judged: it does not count."""
    for key, _rule in _rules(candidate.email, candidate.address):
        row, tries = _held(session, key)
        _write(row, tries.given_back(), row.last_at)


def enter(
    session: Session, candidate: Candidate, *, level: int = 1, better_hash: str | None = None
) -> str:
    """A new session for a candidate whose password was right; gives the id for the cookie.

    Raises Invalid if the person was deactivated, or the password changed, in this very moment.
    """
    person = session.scalars(
        select(Person)
        .where(Person.id == candidate.person_id, Person.active)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if person is None or person.password_hash != candidate.password_hash:
        raise wrong()
    at = clock.now()
    person.last_sign_in_at = at
    if better_hash is not None:
        person.password_hash = better_hash
    _was_right(session, candidate, at)
    _forget_old(session, at)
    return open_session(session, person.id, level=level)


def change_password(session: Session, candidate: Candidate, password_hash: str) -> str:
    """A new password for somebody who knew the old one; every session ends, one new begins (S1).

    Gives the id for the cookie. Raises Invalid as `enter`.
    """
    assert candidate.person_id is not None, "only a proven candidate changes a password"
    person = locked(session, candidate.person_id)
    if not person.active or person.password_hash != candidate.password_hash:
        raise wrong()
    set_password(session, person.id, password_hash)
    _was_right(session, candidate, clock.now())
    return open_session(session, person.id)


def wrong() -> Invalid:
    """One sentence for every reason (S5)."""
    return Invalid(details.PROBLEM, fields={"email": WRONG})


def open_session(session: Session, person_id: UUID, *, level: int = 1) -> str:
    """A new session row; gives the id for the cookie, which is kept nowhere."""
    session_id, at = ids.token(32), clock.now()
    session.add(
        SignedIn(
            hash=hash_of(session_id), person_id=person_id, level=level, made_at=at, last_used_at=at
        )
    )
    session.flush()
    return session_id


def leave(session: Session, session_id: str) -> None:
    """End one session: its cookies prove nothing from now on. Idempotent."""
    session.execute(delete(SignedIn).where(SignedIn.hash == hash_of(session_id)))


def end_session(session: Session, session_hash: str, *, of: UUID) -> None:
    """End one session of a person from another one of theirs. Idempotent."""
    session.execute(delete(SignedIn).where(SignedIn.hash == session_hash, SignedIn.person_id == of))


def touch(session: Session, session_id: str, at: datetime) -> None:
    """Write down that a session was used; never back in time."""
    session.execute(
        update(SignedIn)
        .where(SignedIn.hash == hash_of(session_id), SignedIn.last_used_at < at)
        .values(last_used_at=at)
    )


def _rules(email: str, address: str | None) -> list[tuple[str, Rule]]:
    """In one order everywhere, so that no two wait for each other."""
    return [(throttle.account_key(email), ACCOUNT), (throttle.address_key(address), ADDRESS)]


def _count(session: Session, key: str, rule: Rule) -> None:
    row, tries = _held(session, key)
    at = clock.now()  # not before the lock is held: moments of one key are in order
    seconds = tries.wait(rule, at)
    if seconds:
        raise TooMany(TOO_OFTEN, retry_after=seconds)
    _write(row, tries.failed(at), at)


def _held(session: Session, key: str) -> tuple[Throttle, Tries]:
    """The row of a key, made if need be, locked until the commit: parallel tries wait here."""
    at = clock.now()
    insert = sqlite_insert if db.is_sqlite(session) else pg_insert
    session.execute(
        insert(Throttle).values(key=key, failures=0, recent="", last_at=at).on_conflict_do_nothing()
    )
    row = session.scalars(
        select(Throttle)
        .where(Throttle.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if at - row.last_at > throttle.MEMORY:
        return row, Tries()
    return row, Tries.read(row.failures, row.recent)


def _write(row: Throttle, tries: Tries, at: datetime) -> None:
    row.failures, row.recent, row.last_at = tries.failures, tries.written, at


def _was_right(session: Session, candidate: Candidate, at: datetime) -> None:
    row, _ = _held(session, throttle.account_key(candidate.email))
    _write(row, Tries(), at)
    row, tries = _held(session, throttle.address_key(candidate.address))
    _write(row, tries.given_back(), row.last_at)


def _forget_old(session: Session, at: datetime) -> None:
    session.execute(delete(SignedIn).where(SignedIn.made_at < at - LONGEST))
    session.execute(delete(Throttle).where(Throttle.last_at < at - timedelta(days=1)))
