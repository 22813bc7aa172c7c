"""The close: after it a day takes payouts only, for ever (books.md, chapter 6)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ates.accounting import holds
from ates.accounting.balances import InMind
from ates.accounting.chain import day_seal
from ates.accounting.days import Calendar, ensure
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import BusinessDay, DayTotal
from ates.contracts.accounting import DayClosed
from ates.kernel import clock
from ates.kernel.lag import unhandled_before

log = logging.getLogger(__name__)

ME = "accounting"
JUMP = 7  # days with entries that one run closes: a clock that is far ahead must seal nothing


@dataclass(frozen=True)
class Waiting:
    """A day that cannot be closed yet: so many events of it are not booked."""

    day: date
    events: int


def open_days(session: Session, books: Books, now: datetime) -> None:
    """Give a row to every day up to now; nothing before the first posted fact."""
    ledger = Ledger.lock(session)
    ensure(ledger, Calendar.read(session, now), books.zone, now)
    if ledger.events:
        ledger.save()


def over(session: Session, books: Books, now: datetime, through: date | None) -> list[date]:
    """The open days whose end and grace have passed, in order."""
    days = session.scalars(
        select(BusinessDay.business_date)
        .where(BusinessDay.state == "open", BusinessDay.ends_at <= now - books.grace)
        .order_by(BusinessDay.business_date)
    ).all()
    return [day for day in days if through is None or day <= through]


def with_entries(session: Session, days: Sequence[date]) -> int:
    """How many of these days have entries: only those count towards the jump guard."""
    found = select(func.count(DayTotal.business_date.distinct())).where(
        DayTotal.business_date.in_(days)
    )
    return session.execute(found).scalar_one() if days else 0


def close(session: Session, books: Books, day: date) -> Waiting | None:
    """Close `day`, the oldest open one, or say what it waits for. Closed already is closed.

    What is not handled is asked under the head lock and not before the grace is over, so only
    events that were set aside can come later; they are counted and not waited for.
    """
    ledger, now = Ledger.lock(session), clock.now()
    rows = session.execute(
        select(BusinessDay.__table__)
        .where(BusinessDay.state == "open", BusinessDay.business_date <= day)
        .order_by(BusinessDay.business_date)
    ).all()
    if not rows:
        return None
    row = rows[0]
    if row.business_date != day or row.ends_at + books.grace > now:
        return Waiting(day, 0)
    unhandled = unhandled_before(session, ME, row.ends_at)
    if unhandled.waiting:
        return Waiting(day, unhandled.waiting)
    _seal(session, books, ledger, row, unhandled.parked)
    ledger.save()
    return None


def _seal(session: Session, books: Books, ledger: Ledger, row: Any, parked: int) -> None:
    totals = _totals(session, row.business_date)
    cents = [totals[kind].amount_cents if kind in totals else 0 for kind in KINDS]
    key = books.keyring.sub_key(books.keyring.current, "chain")
    seal = seal_of(key, row, ledger.last_entry_no, ledger.last_hash, cents)
    _write(session, ledger, row.business_date, seal, parked)
    ledger.say(
        DayClosed,
        business_date=row.business_date,
        close_entry_no=ledger.last_entry_no,
        fee_cents=cents[0],
        reward_cents=cents[1],
        adjustment_cents=cents[2],
        entries=sum(total.entries for total in totals.values()),
        below_zero=_below_zero(session, row.business_date),
        parked=parked,
        seal=seal.hex(),
    )
    log.info(
        "%s is closed after entry %s, seal %s", row.business_date, ledger.last_entry_no, seal.hex()
    )


KINDS = ("fee", "reward", "adjustment")


def seal_of(
    key: bytes, row: Any, close_entry_no: int, last_hash: bytes, cents: Sequence[int]
) -> bytes:
    """The seal of a day row; `cents` are its fees, rewards and adjustments."""
    borders = (row.business_date, row.starts_at, row.ends_at)
    return day_seal(key, *borders, close_entry_no, last_hash, *cents)


def _write(session: Session, ledger: Ledger, day: date, seal: bytes, parked: int) -> None:
    session.execute(
        update(BusinessDay)
        .where(BusinessDay.business_date == day)
        .values(
            state="closed",
            closed_at=clock.now(),
            close_entry_no=ledger.last_entry_no,
            close_block_no=ledger.last_block_no,
            parked=parked,
            seal=seal,
        )
        .execution_options(synchronize_session=False)
    )


def _totals(session: Session, day: date) -> Mapping[str, Any]:
    rows = session.execute(select(DayTotal.__table__).where(DayTotal.business_date == day))
    return {row.kind: row for row in rows}


def _below_zero(session: Session, day: date) -> int:
    """People below zero at the end of `day`, whether or not earlier days have been paid by now."""
    unpaid = session.scalars(
        select(BusinessDay.business_date)
        .where(BusinessDay.state == "closed", BusinessDay.business_date < day)
        .order_by(BusinessDay.business_date)
    ).all()
    held = holds.read(session).accounts
    found = dict(InMind(held).settle(session, [*unpaid, day]))
    return found[day].carried_people
