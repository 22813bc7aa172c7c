"""Statements of one account, read by its days and their range of numbers (books.md, chapter 12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from ates.accounting.balances import net_of, total
from ates.accounting.models import Account, AccountDay, Block, BusinessDay, Entry, Person
from ates.accounting.queries import ledger, statement_days
from ates.accounting.queries.rows import Line, Link
from ates.accounting.queries.statement_days import SUMS, Holder, StatementDay
from ates.accounting.statements import Period, Sums, carried, running
from ates.contracts.accounting import Kind
from ates.kernel.errors import N_, NotFound
from ates.web.watermark import Watermark, watermark

LINES = 500  # on one sheet; a file has them all


@dataclass(frozen=True)
class Statement:
    """What a person was owed before and after some days, and everything between."""

    holder: Holder
    period: Period
    previous: date | None  # the business day before; None: the books begin here
    brought_cents: int
    days: tuple[StatementDay, ...]
    counts: dict[Kind, int]
    entries_cents: int  # by the entries themselves, where the sums come from the days
    lines: tuple[tuple[Line, int], ...]  # with the balance after each, by business date
    month: Sums  # so far, to the last day shown
    link: Link | None  # the block of the last entry
    mark: Watermark | None  # None: all days are closed, nothing can come any more

    @property
    def sums(self) -> Sums:
        return Sums.of(each.sums for each in self.days)

    @property
    def carried_cents(self) -> int:
        return self.brought_cents + self.sums.net_cents

    @property
    def differ_cents(self) -> int:
        """Opening + entries − closing: zero, or the books are wrong."""
        return self.brought_cents + self.entries_cents - self.carried_cents

    @property
    def entries(self) -> int:
        return sum(each.entries for each in self.days)

    @property
    def hidden(self) -> int:
        """Entries that found no room on the sheet."""
        return sum(self.counts.values()) - len(self.lines)

    @property
    def running(self) -> bool:
        """Whether something may still come: the figures are those of "so far"."""
        return any(each.state == "open" for each in self.days)

    @property
    def payable(self) -> tuple[StatementDay, ...]:
        """Closed days whose payout has not ended."""
        return tuple(each for each in self.days if each.state == "closed")

    @property
    def paid(self) -> tuple[StatementDay, ...]:
        """Days that brought a payout."""
        return tuple(each for each in self.days if each.sums.payout_cents)


def statement(session: Session, person_id: UUID, period: Period, *, at: datetime) -> Statement:
    """The statement of a person, by four queries; a watermark beside it while a day is open.

    Raises NotFound for days the books do not have and for somebody without an account.
    """
    found = _around(session, person_id, period)
    if found is None:
        raise NotFound(N_("Nothing was ever booked for this person."))
    holder, previous, month, later = found
    rows = _day_rows(session, holder, period, at)
    if not rows:
        raise NotFound(N_("The books have no such day."))
    brought = holder.balance_cents - later - sum(row.sums.net_cents for row in rows)
    ends = carried(brought, [row.sums for row in rows])
    seqs = _seqs(rows)
    lines = _lines_of(session, holder, period, seqs)
    counts, cents = _counted(session, holder, period, seqs, lines)
    states = {row.state for row in rows}
    return Statement(
        holder=holder,
        period=period,
        previous=previous,
        brought_cents=brought,
        days=tuple(row.ending(end) for row, end in zip(rows, ends, strict=True)),
        counts=counts,
        entries_cents=cents,
        lines=tuple(running(brought, lines[:LINES])),
        month=month,
        link=_link(session, holder, seqs[1]),
        mark=watermark(session, "accounting") if "open" in states else None,
    )


# --- how -----------------------------------------------------------------------------------------


def _around(
    session: Session, person_id: UUID, period: Period
) -> tuple[Holder, date | None, Sums, int] | None:
    """The holder, the day before, what the month brought by the last day, what counts later."""
    day, last = AccountDay.business_date, period.last
    previous = (
        select(func.max(BusinessDay.business_date))
        .where(BusinessDay.business_date < period.first)
        .scalar_subquery()
    )
    until = [total(case((day <= last, column), else_=0)) for column in SUMS]
    later = total(case((day > last, net_of()), else_=0))
    row = session.execute(
        statement_days.holders(person_id)
        .add_columns(previous, *until, later)
        .outerjoin(
            AccountDay, and_(AccountDay.account_id == Account.id, day >= last.replace(day=1))
        )
        .group_by(Account.id, Person.person_id)
    ).one_or_none()
    if row is None:
        return None
    *who, before, fee, reward, adjustment, paid, beyond = row
    sums = Sums(int(fee), int(reward), int(adjustment), int(paid))
    return Holder(*who), before, sums, int(beyond)


def _day_rows(
    session: Session, holder: Holder, period: Period, at: datetime
) -> Sequence[StatementDay]:
    """The days of a period that have begun; an entry may be some minutes ahead of its day."""
    rows = session.execute(
        statement_days.question(holder)
        .where(
            BusinessDay.business_date.between(period.first, period.last),
            or_(BusinessDay.starts_at <= at, AccountDay.entries > 0),
        )
        .order_by(BusinessDay.business_date)
    )
    return [statement_days.read(row) for row in rows]


def _seqs(rows: Sequence[StatementDay]) -> tuple[int, int]:
    """The range of numbers that contains all entries of these days."""
    some = [row.seqs for row in rows if row.seqs is not None]
    return min((first for first, _ in some), default=0), max((last for _, last in some), default=0)


def _lines_of(
    session: Session, holder: Holder, period: Period, seqs: tuple[int, int]
) -> tuple[Line, ...]:
    if not seqs[1]:
        return ()
    days = (period.first, period.last)
    return ledger.lines_between(session, holder.account_id, days, seqs, limit=LINES + 1)


def _counted(
    session: Session,
    holder: Holder,
    period: Period,
    seqs: tuple[int, int],
    lines: Sequence[Line],
) -> tuple[dict[Kind, int], int]:
    """How many entries there are of each kind, and what all sum to."""
    counts: dict[Kind, int] = {}
    if len(lines) <= LINES:  # all of them are there
        for line in lines:
            counts[line.kind] = counts.get(line.kind, 0) + 1
        return counts, sum(line.amount_cents for line in lines)
    rows = session.execute(
        select(Entry.kind, func.count(), cast(func.sum(Entry.amount_cents), BigInteger))
        .where(
            Entry.account_id == holder.account_id,
            Entry.account_seq.between(*seqs),
            Entry.business_date.between(period.first, period.last),
        )
        .group_by(Entry.kind)
    ).all()
    return {kind: count for kind, count, _ in rows}, sum(int(cents) for *_, cents in rows)


def _link(session: Session, holder: Holder, last_seq: int) -> Link | None:
    """The block of the last entry: with its hash the sheet stands in the chain."""
    if not last_seq:
        return None
    entry = (
        select(Entry.entry_no)
        .where(Entry.account_id == holder.account_id, Entry.account_seq == last_seq)
        .scalar_subquery()
    )
    row = session.execute(
        select(Block.block_no, Block.hash)
        .where(Block.first_entry_no <= entry)
        .order_by(Block.first_entry_no.desc())
        .limit(1)
    ).one_or_none()
    return Link(row.block_no, row.hash.hex()) if row is not None else None
