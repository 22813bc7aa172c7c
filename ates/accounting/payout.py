"""The payout: closes every day that can be closed and pays every unpaid one, in order (R17).

The balance that counts is the one as of the end of the day, never the present one: entries after
midnight would be paid early or eat the pay, and a missed night would pay another sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ates.accounting import closing, letters, verify
from ates.accounting.balances import InMind, Standing, as_of, due, total
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import BusinessDay, Payout, PayoutLetter
from ates.accounting.posting import Posting
from ates.accounting.report import DayPlan, DayReport, Report, Wait
from ates.accounting.writing import bulk
from ates.contracts.accounting import DayPaid
from ates.kernel import clock, ids
from ates.kernel.db import Database
from ates.kernel.events import Cause, cause, caused
from ates.kernel.lag import behind, unhandled_before
from ates.kernel.mail import LetterState

BATCH = 500

Progress = Callable[[date, int, int], None]  # the day, people paid so far, people to pay


@dataclass(frozen=True)
class Limits:
    """How far one run goes."""

    through: date | None = None  # neither closes nor pays later days
    catch_up: int = closing.JUMP  # days with entries it closes


def run(
    database: Database, books: Books, limits: Limits, progress: Progress = lambda *_: None
) -> Report:
    """Close and pay. May run twice, late, in parallel or be killed: the money comes out the same.

    Each batch is a transaction; what the report calls an error or a wait has changed nothing more.
    All that a run says, and its letters, carry one correlation id.
    """
    report = Report(clock.now())
    with caused(cause() if cause().correlation_id else Cause(str(ids.new()))):
        with database.transaction() as session:
            closing.open_days(session, books, report.at)
        if _close_days(database, books, limits, report):
            _pay_days(database, books, limits, report, progress)
    with database.reading() as session:
        _note_parked(session, report)
    return report


def dry_run(session: Session, books: Books, limits: Limits) -> Report:
    """What `run` would do now, from one snapshot; the sums of earlier days carry over in mind."""
    report = Report(clock.now(), dry=True)
    closable = closing.over(session, books, report.at, limits.through)
    unpaid = _unpaid(session, limits)
    states = dict.fromkeys(unpaid, "closed")
    if _within_jump(session, closable, limits, report):
        for day, ends_at in _ends(session, closable).items():
            waiting = unhandled_before(session, closing.ME, ends_at).waiting
            if waiting:
                report.waits.append(_wait(session, closing.Waiting(day, waiting)))
                break
            states[day] = "open"
        if verified(session, report):
            for day, standing in InMind().settle(session, list(states)):
                report.plan.append(DayPlan(day, states[day], standing))
    _note_parked(session, report)
    return report


# --- closing --------------------------------------------------------------------------------------


def _close_days(database: Database, books: Books, limits: Limits, report: Report) -> bool:
    """Close what can be closed; False if the clock seems wrong, so that nothing goes on."""
    with database.reading() as session:
        days = closing.over(session, books, report.at, limits.through)
        if not _within_jump(session, days, limits, report):
            return False
    for day in days:
        with database.transaction() as session:
            waiting = closing.close(session, books, day)
        if waiting is not None:
            with database.reading() as session:
                report.waits.append(_wait(session, waiting))
            break
        report.closed.append(day)
    return True


def _within_jump(session: Session, days: Sequence[date], limits: Limits, report: Report) -> bool:
    jump = closing.with_entries(session, days)
    if jump <= limits.catch_up:
        return True
    report.error = (
        f"{jump} days with entries would be closed at once, {days[0]} to {days[-1]};"
        f" if the clock is right, say --catch-up {jump}. Nothing closed, nothing paid"
    )
    return False


def _wait(session: Session, waiting: closing.Waiting) -> Wait:
    return Wait(waiting.day, waiting.events, behind(session, closing.ME).oldest)


def _note_parked(session: Session, report: Report) -> None:
    report.parked = unhandled_before(session, closing.ME, report.at).parked


# --- paying ---------------------------------------------------------------------------------------


def _pay_days(
    database: Database, books: Books, limits: Limits, report: Report, progress: Progress
) -> None:
    with database.reading() as session:
        days = _unpaid(session, limits)
    for day in days:
        with database.reading() as session:
            if not verified(session, report):
                return
            standing = _standing(session, day)
        paid = 0
        after: int | None = 0
        while after is not None:
            with database.transaction() as session:
                count, after = pay_batch(session, books, day, after)
            paid += count
            progress(day, paid, standing.people)
        with database.reading() as session:
            report.days += _day_reports(session, day, since=report.at)


def verified(session: Session, report: Report) -> bool:
    """Whether the quick check finds the books in order; if not, nobody is paid."""
    found = verify.quick(session)
    if not found:
        return True
    report.differences = [difference.sentence for difference in found]
    report.error = verify.headline(found) + ("" if report.days else "; nothing paid")
    return False


def pay_batch(session: Session, books: Books, day: date, after: int) -> tuple[int, int | None]:
    """Pay the next accounts of a closed day; with nobody left the day is paid.

    Gives how many were paid and the account to go on behind, or None when there is nothing more to
    do here. All is read again under the head lock: another run may have been here.
    """
    Ledger.lock(session)
    if not _payable(session, day):
        return 0, None
    rows = session.execute(due(day, after=after).limit(BATCH)).all()
    if rows:
        _pay(session, books, day, rows)
        return len(rows), rows[-1].id
    if after:
        return 0, 0  # once more from the beginning: paid is only a day with nobody left
    _finish(session, day)
    return 0, None


def _pay(session: Session, books: Books, day: date, rows: Sequence[Any]) -> None:
    posting = Posting(session, books)
    for row in rows:
        posting.pay(row.person_id, day=day, amount_cents=row.cents)
    posting.flush()
    assert len(posting.posted) == len(rows), "who was paid is owed nothing as of that day"
    payouts = [
        {
            "business_date": day,
            "account_id": entry["account_id"],
            "amount_cents": -entry["amount_cents"],
            "entry_no": entry["entry_no"],
        }
        for entry in posting.posted
    ]
    bulk(session, Payout, payouts)
    letters.write(session, books, day, payouts, posting.posted[0]["posted_at"])


def _payable(session: Session, day: date) -> bool:
    """Closed, and every earlier day paid: sums build on each other."""
    first = session.scalar(
        select(func.min(BusinessDay.business_date)).where(BusinessDay.state != "paid")
    )
    state = session.scalar(select(BusinessDay.state).where(BusinessDay.business_date == day))
    return first == day and state == "closed"


def _finish(session: Session, day: date) -> None:
    ledger = Ledger.lock(session)
    row = session.execute(
        select(func.count().label("payouts"), total(Payout.amount_cents).label("cents")).where(
            Payout.business_date == day
        )
    ).one()
    session.execute(
        update(BusinessDay)
        .where(BusinessDay.business_date == day)
        .values(state="paid", paid_at=clock.now(), payouts=row.payouts, payout_cents=row.cents)
        .execution_options(synchronize_session=False)
    )
    ledger.say(DayPaid, business_date=day, payouts=row.payouts, payout_cents=row.cents)
    ledger.save()


# --- reading --------------------------------------------------------------------------------------


def _unpaid(session: Session, limits: Limits) -> list[date]:
    days = session.scalars(
        select(BusinessDay.business_date)
        .where(BusinessDay.state == "closed")
        .order_by(BusinessDay.business_date)
    )
    return [day for day in days if limits.through is None or day <= limits.through]


def _ends(session: Session, days: Sequence[date]) -> dict[date, datetime]:
    """When these days end, in order."""
    rows = session.execute(
        select(BusinessDay.business_date, BusinessDay.ends_at)
        .where(BusinessDay.business_date.in_(days))
        .order_by(BusinessDay.business_date)
    )
    return {row.business_date: row.ends_at for row in rows}


def _standing(session: Session, day: date) -> Standing:
    standing = Standing()
    for _, _, cents in session.execute(as_of(day)):
        standing.add(cents)
    return standing


def _day_reports(session: Session, day: date, since: datetime) -> list[DayReport]:
    """The day as it is paid now; nothing if it was not paid since then."""
    row = session.execute(
        select(BusinessDay.payouts, BusinessDay.payout_cents).where(
            BusinessDay.business_date == day, BusinessDay.paid_at >= since
        )
    ).one_or_none()
    if row is None:
        return []
    waiting = session.scalar(
        select(func.count()).where(
            PayoutLetter.business_date == day, PayoutLetter.state == LetterState.WAITING_ADDRESS
        )
    )
    left = _standing(session, day)
    standing = Standing(row.payouts, row.payout_cents, left.carried_people, left.carried_cents)
    return [DayReport(day, standing, letters=row.payouts, without_address=waiting or 0)]
