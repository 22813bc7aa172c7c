"""People: registered, changed, deactivated, never deleted (R3)."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import Link, Person, SignedIn, Token
from ates.contracts.auth import Role
from ates.kernel import clock, ids
from ates.kernel.bus import publish
from ates.kernel.errors import N_, Conflict, Forbidden, Invalid, NotFound

TAKEN = N_("Somebody with this e-mail is already there.")
LAST_ADMIN = N_("This is the only active admin. Appoint another first.")
OWN_ROLE = N_("Nobody changes their own role.")
NO_PERSON = N_("There is no such person.")
NOT_ADMIN = N_("This page is for other roles")


class Taken(Invalid):
    """The e-mail is somebody else's: a sentence at its field, for programs a conflict."""


def create_person(
    session: Session,
    *,
    email: str,
    name: str,
    role: Role,
    trade: str | None = None,
    locale: str = "en",
    password_hash: str | None = None,
) -> Person:
    """Register a person (R3) and say so. Without a password they need an invitation.

    Raises Invalid with a sentence per field; an e-mail that is taken, in any case, is one of them.
    """
    clean = details.checked(email, name, trade, locale)
    _refuse_taken(session, clean.email)
    person = Person(
        id=ids.new(),
        email=clean.email,
        email_key=details.folded(clean.email),
        name=clean.name,
        name_key=details.folded(clean.name),
        role=role,
        trade=clean.trade,
        locale=clean.locale,
        active=True,
        epoch=1,
        password_hash=password_hash,
        created_at=clock.now(),
        said=0,
    )
    event = person.registered()
    session.add(person)
    _flush(session)
    publish(session, event)
    return person


def change_details(
    session: Session,
    person_id: UUID,
    *,
    email: str,
    name: str,
    trade: str | None,
    locale: str,
) -> Person:
    """Correct what is written about a person. A new e-mail ends links sent to the old one.

    Raises NotFound, Invalid as `create_person`.
    """
    person = locked(session, person_id)
    clean = details.checked(email, name, trade, locale)
    before = (person.email, person.name, person.trade, person.locale)
    if before == (clean.email, clean.name, clean.trade, clean.locale):
        return person
    key = details.folded(clean.email)
    if key != person.email_key:
        _refuse_taken(session, clean.email)
        end_links(session, person.id)
    if (person.name, person.locale) != (clean.name, clean.locale):
        person.epoch += 1  # tokens carry both
    person.email, person.email_key = clean.email, key
    person.name, person.name_key = clean.name, details.folded(clean.name)
    person.trade, person.locale = clean.trade, clean.locale
    say(session, person)
    return person


def settle(session: Session, person_id: UUID, *, name: str, locale: str) -> Person:
    """What a person changes about themselves. Raises Invalid as `create_person`."""
    person = locked(session, person_id)
    return change_details(
        session, person_id, email=person.email, name=name, trade=person.trade, locale=locale
    )


def set_locale(session: Session, person_id: UUID, locale: str) -> Person:
    """Choose the language of pages and letters. Raises Invalid for one we do not speak."""
    if locale not in details.LOCALES:
        raise Invalid(details.NO_LOCALE)
    person = locked(session, person_id)
    if person.locale != locale:
        person.locale, person.epoch = locale, person.epoch + 1
        say(session, person)
    return person


def change_role(session: Session, person_id: UUID, role: Role, *, by: UUID | None) -> Person:
    """Give a person another role, at work with their next request (R2, R3).

    `by` is None for the command line. Raises Conflict for the last active admin, Forbidden for the
    own role.
    """
    admins = _hold_admins(session, by)
    person = locked(session, person_id)
    if person.role == role:
        return person
    _refuse_last(admins, person)  # also where it is the own role: another reason would not help
    if by == person_id:
        raise Forbidden(OWN_ROLE)
    person.role, person.epoch = role, person.epoch + 1
    say(session, person)
    return person


def deactivate(session: Session, person_id: UUID, *, by: UUID | None) -> Person:
    """Shut a person out at once; name, entries and history stay (R3, S23). Idempotent.

    Raises Conflict for the last active admin.
    """
    admins = _hold_admins(session, by)
    person = locked(session, person_id)
    if not person.active:
        return person
    _refuse_last(admins, person)
    person.active, person.epoch = False, person.epoch + 1
    end_sessions(session, person_id)
    end_links(session, person_id)
    revoke_tokens(session, person_id)
    say(session, person)
    return person


def activate(session: Session, person_id: UUID, *, by: UUID | None) -> Person:
    """Let a deactivated person in again: the same password, no token of before. Idempotent."""
    _hold_admins(session, by)
    person = locked(session, person_id)
    if not person.active:
        person.active, person.epoch = True, person.epoch + 1
        say(session, person)
    return person


def set_password(
    session: Session, person_id: UUID, password_hash: str, *, keep: str | None = None
) -> Person:
    """Change the password: other sessions (all but the hash `keep`) and all links end."""
    person = locked(session, person_id)
    person.password_hash, person.epoch = password_hash, person.epoch + 1
    end_sessions(session, person_id, keep=keep)
    end_links(session, person_id)
    say(session, person)
    return person


def end_sessions(session: Session, person_id: UUID, *, keep: str | None = None) -> None:
    """Sign a person out everywhere, but for the session with the hash `keep`."""
    session.execute(
        delete(SignedIn).where(SignedIn.person_id == person_id, SignedIn.hash != (keep or ""))
    )


def end_links(session: Session, person_id: UUID) -> None:
    """Make all open one-time links of a person void."""
    session.execute(
        update(Link)
        .where(Link.person_id == person_id, Link.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def revoke_tokens(session: Session, person_id: UUID) -> None:
    """Make all API tokens of a person void for good."""
    session.execute(
        update(Token)
        .where(Token.person_id == person_id, Token.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def locked(session: Session, person_id: UUID) -> Person:
    """The present row, held until the commit. Raises NotFound."""
    person = session.scalars(
        select(Person)
        .where(Person.id == person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if person is None:
        raise NotFound(NO_PERSON)
    return person


def say(session: Session, person: Person) -> None:
    """Publish the whole present state of a person that changed."""
    event = person.changed()
    _flush(session)
    publish(session, event)


def _hold_admins(session: Session, by: UUID | None) -> set[UUID]:
    """The active admins, held until the commit: two who demote each other wait for one another.

    Raises Forbidden when `by` is none of them any more.
    """
    rows = session.execute(
        select(Person.id)
        .where(Person.role == Role.ADMIN, Person.active)
        .order_by(Person.id)
        .with_for_update()
    )
    admins = set(rows.scalars())
    if by is not None and by not in admins:
        raise Forbidden(NOT_ADMIN)
    return admins


def _refuse_last(admins: set[UUID], person: Person) -> None:
    if admins == {person.id}:
        raise Conflict(LAST_ADMIN)


def _refuse_taken(session: Session, email: str) -> None:
    key = details.folded(email)
    if session.scalar(select(Person.id).where(Person.email_key == key)) is not None:
        raise _taken()


def _taken() -> Taken:
    return Taken(details.PROBLEM, fields={"email": TAKEN})


def _flush(session: Session) -> None:
    """Write the row first: the database has the last word on e-mails and on a lost race."""
    try:
        session.flush()
    except IntegrityError as error:
        if "email_key" in str(error.orig):
            raise _taken() from error
        raise
