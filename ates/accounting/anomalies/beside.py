"""What beside the entries of a day wants a look: events set aside, letters, holds."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, case, literal_column, or_, select
from sqlalchemy.orm import Session

from ates.accounting.anomalies.entries import SHOWN, Extent
from ates.accounting.models import Account, Hold, Payout, PayoutLetter, Person
from ates.accounting.posting.facts import Contradiction
from ates.kernel.mail import LetterState
from ates.kernel.tables import event_log, parked

ME = "accounting"
TROUBLED = (LetterState.UNKNOWN, LetterState.FAILED, LetterState.WAITING_ADDRESS)
NOT_SENT = PayoutLetter.state != literal_column("'sent'")  # as the partial index says it


@dataclass(frozen=True)
class Aside:
    """An event of the day that accounting could not handle."""

    event_id: UUID
    type: str
    key: str
    occurred_at: datetime
    status: str
    conflict: bool  # it contradicts an entry: who is right is for people to say
    error: str | None


@dataclass(frozen=True)
class Unsure:
    """A letter in doubt, refused, or without an address."""

    person_id: UUID
    name: str | None
    state: str
    reply: str | None
    cents: int


@dataclass(frozen=True)
class Held:
    """A hold of the day, or another that was active while the day waited for its payout."""

    business_date: date | None
    person_id: UUID | None  # of an account's hold
    name: str | None
    reason: str
    held_at: datetime
    released_at: datetime | None


def aside(session: Session, day: Extent) -> list[Aside]:
    """Conflicts first, then by time; also what somebody gave up, which no count names any more."""
    conflicts = case((parked.c.error_class == Contradiction.__name__, 1), else_=0)
    same = and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position)
    moment = event_log.c.occurred_at
    rows = session.execute(
        select(
            event_log.c.event_id,
            event_log.c.type,
            event_log.c.key,
            moment,
            parked.c.status,
            conflicts,
            parked.c.error,
        )
        .join(parked, same)
        .where(parked.c.consumer == ME, moment >= day.starts_at, moment < day.ends_at)
        .order_by(conflicts.desc(), moment, event_log.c.position)
        .limit(SHOWN + 1)
    )
    return [Aside(*row[:5], conflict=bool(row[5]), error=row[6]) for row in rows]


def letters(session: Session, day: Extent) -> list[Unsure]:
    """Of the day's payouts: letters in doubt, refused, or without an address."""
    same = and_(
        Payout.business_date == PayoutLetter.business_date,
        Payout.account_id == PayoutLetter.account_id,
    )
    rows = session.execute(
        select(
            Account.person_id,
            Person.name,
            PayoutLetter.state,
            PayoutLetter.reply,
            Payout.amount_cents,
        )
        .join(Payout, same)
        .join(Account, Account.id == PayoutLetter.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .where(PayoutLetter.business_date == day.day, NOT_SENT, PayoutLetter.state.in_(TROUBLED))
        .order_by(PayoutLetter.state, PayoutLetter.account_id)
        .limit(SHOWN + 1)
    )
    return [Unsure(*row) for row in rows]


def holds(session: Session, day: Extent) -> list[Held]:
    """Of the day; and of accounts or of everything, if active between its end and its payout."""
    meanwhile = and_(
        Hold.business_date.is_(None),
        Hold.held_at <= day.until,
        or_(Hold.released_at.is_(None), Hold.released_at >= day.ends_at),
    )
    rows = session.execute(
        select(
            Hold.business_date,
            Account.person_id,
            Person.name,
            Hold.reason,
            Hold.held_at,
            Hold.released_at,
        )
        .outerjoin(Account, Account.id == Hold.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .where(or_(Hold.business_date == day.day, meanwhile))
        .order_by(Hold.held_at)
        .limit(SHOWN + 1)
    )
    return [Held(*row) for row in rows]
