"""The payout: closes every day that can be closed and pays every unpaid one, in order (R17).

The balance that counts is the one as of the end of the day, never the present one: entries after
midnight would be paid early or eat the pay, and a missed night would pay another sum.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ates.accounting import anchors, closing, holds, letters, verify
from ates.accounting.balances import InMind, due, total
from ates.accounting.holds import Stop
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import Account, BusinessDay, Payout
from ates.accounting.posting import Posting
from ates.accounting.report import DayPlan, Jump, Report, Wait, day_reports, standing_of
from ates.accounting.writing import bulk
from ates.contracts.accounting import DayPaid
from ates.kernel import clock, ids
from ates.kernel.db import Database
from ates.kernel.events import Cause, cause, caused
from ates.kernel.lag import behind, unhandled_before

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
        _anchor(session, books, report)
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
            _plan(session, states, report)
    _note_parked(session, report)
    return report


def _plan(session: Session, states: Mapping[date, str], report: Report) -> None:
    """What would be paid of these days, in order, up to the first that is held."""
    held = holds.read(session)
    for day, standing in InMind(held.accounts).settle(session, list(states)):
        stop = held.stop(day)
        if stop is not None:
            report.waits.append(_held(day, stop))
            return
        report.plan.append(DayPlan(day, states[day], standing))


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
            if waiting is None:
                letters.write_seals(session, books, day)
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
    report.jump = Jump(jump, days[0], days[-1])
    report.error = str(report.jump)
    return False


def _wait(session: Session, waiting: closing.Waiting) -> Wait:
    return Wait(waiting.day, waiting.events, behind(session, closing.ME).oldest)


def _note_parked(session: Session, report: Report) -> None:
    report.parked = unhandled_before(session, closing.ME, report.at).parked


def _anchor(session: Session, books: Books, report: Report) -> None:
    """Let the seals of closed days leave the house. Money does not wait for it: the next run does
    what this one cannot."""
    if books.anchors is None:
        return
    try:
        anchors.write_missing(session, books.anchors)
    except OSError as error:
        report.unanchored = f"seals could not be written: {error}"


# --- paying ---------------------------------------------------------------------------------------


def _pay_days(
    database: Database, books: Books, limits: Limits, report: Report, progress: Progress
) -> None:
    with database.reading() as session:
        days = _unpaid(session, limits)
    for day in days:
        with database.reading() as session:
            in_order = verified(session, report)
            standing = standing_of(session, day, holds.read(session).accounts)
        if not in_order:
            with database.transaction() as session:
                holds.differ(session, books, f"The books differ: {report.differences[0]}")
            return
        paid, batch = 0, Batch(after=0)
        while batch.after is not None:
            with database.transaction() as session:
                batch = pay_batch(session, books, day, batch.after)
            paid += batch.paid
            progress(day, paid, standing.people)
        if batch.stop is not None:
            report.waits.append(_held(day, batch.stop))
            return
        with database.reading() as session:
            report.days += day_reports(session, day, since=report.at)


@dataclass(frozen=True)
class Batch:
    """What one transaction paid, and the account to go on behind: None when nothing is left."""

    paid: int = 0
    after: int | None = None
    stop: Stop | None = None  # a hold that came meanwhile


def verified(session: Session, report: Report) -> bool:
    """Whether the quick check finds the books in order; if not, nobody is paid."""
    found = verify.quick(session)
    if not found:
        return True
    report.differences = [difference.sentence for difference in found]
    report.error = verify.headline(found) + ("" if report.days else "; nothing paid")
    return False


def pay_batch(session: Session, books: Books, day: date, after: int) -> Batch:
    """Pay the next accounts of a closed day; with nobody left but held ones the day is paid.

    All is read again under the head lock: another run may have been here, a hold may have come.
    """
    Ledger.lock(session)
    if not _payable(session, day):
        return Batch()
    stop = holds.read(session).stop(day)
    if stop is not None:
        return Batch(stop=stop)
    free = Account.id.not_in(holds.of_accounts())
    rows = session.execute(due(day, after=after).where(free).limit(BATCH)).all()
    if rows:
        _pay(session, books, day, rows)
        return Batch(len(rows), rows[-1].id)
    if after:
        return Batch(after=0)  # once more from the beginning: paid is a day with nobody left
    _finish(session, day)
    return Batch()


def _pay(session: Session, books: Books, day: date, rows: Sequence[Any]) -> None:
    posting = Posting(session, books)
    for row in rows:
        posting.pay(row.person_id, day=day, amount_cents=row.cents)
    posting.flush()
    posted = posting.posted
    assert len(posted) == len(rows), "who was paid is owed nothing as of that day"
    payouts = [
        {
            "business_date": day,
            "account_id": entry.account_id,
            "amount_cents": -entry.amount_cents,
            "entry_no": entry.entry_no,
        }
        for entry in posted
    ]
    bulk(session, Payout, payouts)
    letters.write(session, books, day, payouts, posted[0].posted_at)


def _payable(session: Session, day: date) -> bool:
    """Closed, and every earlier day paid: sums build on each other."""
    first = session.scalar(
        select(func.min(BusinessDay.business_date)).where(BusinessDay.state != "paid")
    )
    state = session.scalar(select(BusinessDay.state).where(BusinessDay.business_date == day))
    return first == day and state == "closed"


def _finish(session: Session, day: date) -> None:
    ledger, now = Ledger.lock(session), clock.now()
    act = holds.last_act(session)
    now = max(now, act) if act is not None else now  # `verify` compares these moments
    row = session.execute(
        select(func.count().label("payouts"), total(Payout.amount_cents).label("cents")).where(
            Payout.business_date == day
        )
    ).one()
    session.execute(
        update(BusinessDay)
        .where(BusinessDay.business_date == day)
        .values(state="paid", paid_at=now, payouts=row.payouts, payout_cents=row.cents)
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


def _held(day: date, stop: Stop) -> Wait:
    of: Literal["day", "everything"] = "everything" if stop.day is None else "day"
    return Wait(day, hold=stop.id, of=of, reason=stop.reason)
