"""One-time links that set a password: an invitation for seven days, a reset for 30 minutes."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import LIFE, Letter, Link, LinkKind, Person
from ates.auth.service.entering import admit_address
from ates.auth.service.people import locked, set_password
from ates.kernel import clock, ids, mail
from ates.kernel.errors import N_, Conflict, NotFound
from ates.kernel.mail import LetterState

OVER = N_("This link does not work any more. Ask for a new one.")
INACTIVE = N_("This person is not active.")
AGAIN = timedelta(minutes=2)  # a letter this young is still on its way


def invite(session: Session, person_id: UUID) -> Link:
    """Queue the letter with which a person sets the first password, or a new one.

    Raises NotFound, Conflict for somebody who is not active.
    """
    person = locked(session, person_id)
    if not person.active:
        raise Conflict(INACTIVE)
    kind = LinkKind.RESET if person.password_hash else LinkKind.INVITATION
    return _send(session, person, kind)


def request_reset(session: Session, *, email: str, address: str | None) -> None:
    """Queue a reset letter if the e-mail is an active person's; the caller never learns whether.

    Raises TooMany for the twenty-first within a minute from one address.
    """
    admit_address(session, address)
    person = session.scalars(
        select(Person).where(Person.email_key == details.folded(email), Person.active)
    ).one_or_none()
    if person is not None and not _on_its_way(session, person.id):
        _send(session, person, LinkKind.RESET)


def person_of_link(session: Session, link_id: UUID | None, kind: LinkKind) -> Person:
    """Whose link it is. Raises NotFound for one that was used, is over or never was."""
    link = session.get(Link, link_id, populate_existing=True) if link_id else None
    if link is None or link.kind != kind or not link.works(clock.now()):
        raise NotFound(OVER)
    person = session.get_one(Person, link.person_id)
    if not person.active:
        raise NotFound(OVER)
    return person


def use_link(
    session: Session, link_id: UUID | None, kind: LinkKind, *, password_hash: str
) -> Person:
    """Set the password; every session and every link of the person ends. Works once.

    Raises NotFound as `person_of_link`.
    """
    person_id = person_of_link(session, link_id, kind).id
    locked(session, person_id)  # a twin that came first has ended the link by now
    person_of_link(session, link_id, kind)
    return set_password(session, person_id, password_hash)


def _send(session: Session, person: Person, kind: LinkKind) -> Link:
    at = clock.now()
    link = Link(id=ids.new(), person_id=person.id, kind=kind, made_at=at, ends_at=at + LIFE[kind])
    session.add(link)
    session.flush()
    session.add(
        Letter(
            link_id=link.id,
            message_id=f"<auth-{link.id}@ates.invalid>",
            state=LetterState.QUEUED,
            made_at=at,
            next_try_at=at,
        )
    )
    session.flush()
    mail.wake(session)
    return link


def _on_its_way(session: Session, person_id: UUID) -> bool:
    """Pressing again and again fills nobody's mailbox."""
    young = select(Link.id).where(
        Link.person_id == person_id,
        Link.kind == LinkKind.RESET,
        Link.ended_at.is_(None),
        Link.made_at > clock.now() - AGAIN,
    )
    return session.scalar(young.limit(1)) is not None
