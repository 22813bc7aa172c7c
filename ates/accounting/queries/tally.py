"""The ledger by the day on which things happened and by the day in which they count: accounting's
side of the reconciliation, and the borders of the days for everybody's."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, union, union_all
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.models import BusinessDay, DayTotal, Entry, Head, PayoutLetter
from ates.accounting.posting.facts import EARLIEST
from ates.kernel.errors import N_
from ates.kernel.tally import ByDay, Fact, Figure, Span

AT_ONCE = 1_000
SENT = "sent"

HAPPENED = {"fee": Figure.FEES, "reward": Figure.REWARDS}
CENTS = {
    "fee": Figure.FEE_CENTS,
    "reward": Figure.REWARD_CENTS,
    "adjustment": Figure.ADJUSTMENT_CENTS,
    "payout": Figure.PAYOUT_CENTS,
}
KINDS = {figure: kind for kind, figure in HAPPENED.items()}
LATE = Entry.occurred_on < Entry.business_date
HEAD = select(Head.last_entry_no).scalar_subquery()


def days(session: Session, at: datetime, limit: int | None) -> Sequence[Span]:
    """The newest days that have begun, oldest first. The first of all has no beginning: what
    happened before the books counts in it."""
    first = select(func.min(BusinessDay.business_date)).scalar_subquery()
    rows = session.execute(
        select(
            BusinessDay.business_date,
            BusinessDay.starts_at,
            BusinessDay.ends_at,
            BusinessDay.state,
            (BusinessDay.business_date == first).label("first"),
        )
        .where(BusinessDay.starts_at <= at)
        .order_by(BusinessDay.starts_at.desc())
        .limit(limit)
    ).all()
    return [
        Span(
            row.business_date,
            min(EARLIEST, row.starts_at) if row.first else row.starts_at,
            row.ends_at,
            row.state,
        )
        for row in reversed(rows)
    ]


def count(session: Session, spans: Sequence[Span], rows: bool) -> ByDay:
    """One statement. From the sums of the days, the late entries and what no sum knows; or, with
    `rows`, from every entry since the first of the oldest day."""
    if not spans:
        return {}
    first, last = spans[0].day, spans[-1].day
    within = DayTotal.business_date.between(first, last)
    letters = _letters().where(PayoutLetter.business_date.between(first, last))
    if rows:
        oldest = select(func.min(DayTotal.first_entry_no)).where(within).scalar_subquery()
        since = func.coalesce(oldest, HEAD + 1)  # without an entry, what is past the end
        parts = [_entries("entry").where(Entry.entry_no >= since), letters]
    else:
        # What was written past the end by hand is in no sum, and would not be missed.
        parts = [
            _totals().where(within),
            _entries("late").where(LATE, Entry.business_date >= first),
            _entries("entry").where(Entry.entry_no > HEAD),
            letters,
        ]
    return _collected((span.day for span in spans), session.execute(union_all(*parts)))


def unheard(session: Session, entry_no: int) -> ByDay:
    """What the ledger got after this entry, by all days it concerns."""
    some = _entries("entry").where(Entry.entry_no > entry_no, Entry.entry_no <= HEAD)
    rows = session.execute(some).all()
    return _collected({day for row in rows for day in (row.day, row.happened)}, rows)


def facts(session: Session, span: Span, figure: Figure) -> Generator[Fact, None, None]:
    """Fees or rewards that happened on one day, by task and number of the assignment."""
    kind = KINDS[figure]
    mine = (Entry.kind == kind, Entry.occurred_on == span.day)
    columns = (Entry.source_id, Entry.source_no, Entry.entry_no)
    of_day = and_(DayTotal.business_date == span.day, DayTotal.kind == kind)
    ends = (DayTotal.first_entry_no, DayTotal.last_entry_no)
    lowest, highest = (select(each).where(of_day).scalar_subquery() for each in ends)
    found = union(
        select(*columns).where(
            *mine, Entry.entry_no.between(lowest, highest), Entry.business_date == span.day
        ),
        select(*columns).where(*mine, LATE, Entry.business_date > span.day),
        select(*columns).where(*mine, Entry.entry_no > HEAD),
    ).subquery()
    ordered = select(found).order_by(found.c.source_id, found.c.source_no)
    with session.execute(ordered.execution_options(yield_per=AT_ONCE)) as rows:
        for row in rows:
            yield Fact(
                source=(row.source_id, row.source_no),
                sentence=N_("Entry %(number)s"),
                values={"number": str(row.entry_no)},
                endpoint="accounting.entry",
                where={"number": row.entry_no},
            )


# --- how ------------------------------------------------------------------------------------------

Question = Select[*tuple[Any, ...]]


def _totals() -> Question:
    day = DayTotal.business_date
    return select(
        literal("total").label("source"),
        DayTotal.kind.label("kind"),
        day.label("day"),
        day.label("happened"),
        DayTotal.entries.label("rows"),
        DayTotal.amount_cents.label("cents"),
    )


def _entries(source: str) -> Question:
    of = (Entry.kind, Entry.business_date, Entry.occurred_on)
    return select(
        literal(source).label("source"),
        Entry.kind.label("kind"),
        Entry.business_date.label("day"),
        Entry.occurred_on.label("happened"),
        func.count().label("rows"),
        total(Entry.amount_cents).label("cents"),
    ).group_by(*of)


def _letters() -> Question:
    """By state, with what they tell their receivers."""
    told = (
        PayoutLetter.carried_cents
        + PayoutLetter.reward_cents
        + PayoutLetter.fee_cents
        + PayoutLetter.adjustment_cents
    )
    day = PayoutLetter.business_date
    return select(
        literal("letter").label("source"),
        PayoutLetter.state.label("kind"),
        day.label("day"),
        day.label("happened"),
        func.count().label("rows"),
        total(told).label("cents"),
    ).group_by(day, PayoutLetter.state)


def _collected(days: Iterable[date], rows: Iterable[Any]) -> Mapping[date, Mapping[Figure, int]]:
    found: dict[date, dict[Figure, int]] = {day: {} for day in days}

    def add(day: date, figure: Figure, count: int) -> None:
        if day in found:
            found[day][figure] = found[day].get(figure, 0) + count

    for row in rows:
        for day, figure, count in _figures(row):
            add(day, figure, count)
    return found


def _figures(row: Any) -> Iterator[tuple[date, Figure, int]]:
    """What one line of the statement adds to which figure of which day."""
    if row.source == "letter":
        yield row.day, Figure.LETTERS, row.rows
        yield row.day, Figure.LETTER_CENTS, row.cents
        if row.kind != SENT:
            yield row.day, Figure.UNSENT, row.rows
        return
    happened = HAPPENED.get(row.kind)
    if row.source == "late":  # the sums have them in the day they count in
        if happened:
            yield row.day, happened, -row.rows
            yield row.happened, happened, row.rows
    else:
        yield row.day, CENTS[row.kind], row.cents
        yield row.day, Figure.ENTRIES, row.rows
        if row.kind == "payout":
            yield row.day, Figure.PAYOUTS, row.rows
        if happened:
            yield row.happened, happened, row.rows
    if row.happened < row.day:
        yield row.day, Figure.LATE, row.rows
        yield row.happened, Figure.COUNTED_LATER, row.rows
