"""What a person may decide about the letter of a payout: no money moves, it went before."""

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ates.accounting.models import Account, PayoutLetter
from ates.kernel import mail
from ates.kernel.errors import N_, Conflict
from ates.kernel.mail import LetterBox, LetterState

MOVED = N_("This letter is neither failed nor unknown any more.")

Box = LetterBox[PayoutLetter]


def send_again(session: Session, box: Box, day: date, person: UUID) -> None:
    """Send a failed or unknown letter again: the same bytes under the same Message-ID.

    Raises Conflict for a letter in another state, or none.
    """
    which = _of(day, person)
    if not any(
        mail.again(session, box, state, *which)
        for state in (LetterState.FAILED, LetterState.UNKNOWN)
    ):
        raise Conflict(MOVED)


def send_failed_again(session: Session, box: Box, day: date) -> int:
    """Send all failed letters of a day again. How many."""
    return mail.again(session, box, LetterState.FAILED, PayoutLetter.business_date == day)


def give_up(session: Session, box: Box, day: date, person: UUID) -> None:
    """Take an unknown letter for failed, so that it is not repeated. Raises Conflict as above."""
    if not mail.give_up(session, box, *_of(day, person)):
        raise Conflict(MOVED)


def _of(day: date, person: UUID) -> tuple[ColumnElement[bool], ...]:
    account = select(Account.id).where(Account.person_id == person).scalar_subquery()
    return PayoutLetter.business_date == day, PayoutLetter.account_id == account
