"""Entries that are out of the ordinary, found in one statement within the numbers of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    union_all,
)

from ates.accounting.models import Card, Entry
from ates.contracts.accounting import Kind

SHOWN = 100  # of each kind

Found = Literal["late", "no_fee", "after_completion", "gap", "no_card", "correction"]
KINDS: tuple[Found, ...] = (
    "late",
    "no_fee",
    "after_completion",
    "gap",
    "no_card",
    "correction",
)


@dataclass(frozen=True)
class Extent:
    """A day as it is looked at: its borders, and the numbers that its entries can have."""

    day: date
    starts_at: datetime
    ends_at: datetime
    until: datetime  # its payout, or now
    ranges: Mapping[str, tuple[int, int]]  # kind -> first and last entry number


def entries(day: Extent) -> CompoundSelect[Any]:
    """The question for `what` and `entry_no` of all that are out of the ordinary, of each kind the
    first hundred, and one more if there are more.

    Read once, the day explains nearly all of itself; what is left is looked up by the key of facts.
    """
    today = _today(day)
    late = [Entry.business_date == day.day, Entry.occurred_on < Entry.business_date]
    return union_all(
        _first("late", select(Entry.entry_no).where(*late)),
        _first("no_fee", _no_fee(today)),
        _first("after_completion", _after_completion(today)),
        _first("gap", _gap(today)),
        _first("no_card", _no_card(today)),
        _first("correction", select(Entry.entry_no).where(*_of(day, "adjustment"))),
    )


def _of(day: Extent, *kinds: Kind) -> list[ColumnElement[bool]]:
    """Entries of these kinds that count in the day, by the range of their numbers."""
    ranges = [day.ranges[kind] for kind in kinds if kind in day.ranges] or [(0, 0)]
    low, high = min(first for first, _ in ranges), max(last for _, last in ranges)
    return [
        Entry.entry_no.between(low, high),
        Entry.business_date == day.day,
        Entry.kind.in_(kinds),
    ]


def _today(day: Extent) -> CTE:
    columns = (
        Entry.entry_no,
        Entry.kind,
        Entry.account_id,
        Entry.source_id,
        Entry.source_no,
        Entry.occurred_at,
    )
    return select(*columns).where(*_of(day, "fee", "reward")).cte("today")


def _first(what: Found, question: Any) -> Select[*tuple[Any, ...]]:
    found = question.order_by("entry_no").limit(SHOWN + 1).subquery()
    return select(literal(what).label("what"), found.c.entry_no)


def _no_fee(today: CTE) -> Any:
    """Rewards of people who were never charged for the task."""
    reward, fee = today.alias(), today.alias()
    same = and_(
        fee.c.kind == "fee",
        fee.c.source_id == reward.c.source_id,
        fee.c.account_id == reward.c.account_id,
    )
    left = _fenced(
        select(reward)
        .select_from(reward.outerjoin(fee, same))
        .where(reward.c.kind == "reward", fee.c.entry_no.is_(None))
    )
    charged = _fact("fee", left.c.source_id).where(Entry.account_id == left.c.account_id)
    return select(left.c.entry_no).where(_looked_up(charged).is_(None))


def _gap(today: CTE) -> Any:
    """Fees of an assignment whose predecessor was never charged."""
    fee, previous = today.alias(), today.alias()
    same = and_(
        previous.c.kind == "fee",
        previous.c.source_id == fee.c.source_id,
        previous.c.source_no == fee.c.source_no - 1,
    )
    left = _fenced(
        select(fee)
        .select_from(fee.outerjoin(previous, same))
        .where(fee.c.kind == "fee", fee.c.source_no > 1, previous.c.entry_no.is_(None))
    )
    before = _fact("fee", left.c.source_id).where(Entry.source_no == left.c.source_no - 1)
    return select(left.c.entry_no).where(_looked_up(before).is_(None))


def _after_completion(today: CTE) -> Any:
    """Fees of assignments that happened after the task had been completed, on whatever day."""
    fee, reward = today.alias(), today.alias()
    last = (
        select(fee.c.source_id, func.max(fee.c.occurred_at).label("at"))
        .where(fee.c.kind == "fee")
        .group_by(fee.c.source_id)
        .subquery()
    )
    same = and_(reward.c.kind == "reward", reward.c.source_id == last.c.source_id)
    left = _fenced(
        select(last)
        .select_from(last.outerjoin(reward, same))
        .where(or_(reward.c.entry_no.is_(None), reward.c.occurred_at < last.c.at))
    )
    done = _fact("reward", left.c.source_id).where(Entry.source_no == 0)
    tasks = _fenced(select(left.c.source_id, _looked_up(done, Entry.occurred_at).label("done_at")))
    return (
        select(fee.c.entry_no)
        .join(tasks, tasks.c.source_id == fee.c.source_id)
        .where(fee.c.kind == "fee", fee.c.occurred_at > tasks.c.done_at)
    )


def _no_card(today: CTE) -> Any:
    """The first entry of each task that nobody has named."""
    first = func.min(today.c.entry_no).label("entry_no")
    tasks = _fenced(select(today.c.source_id, first).group_by(today.c.source_id))
    named = select(Card.number).where(Card.task_id == tasks.c.source_id).correlate(tasks)
    return select(tasks.c.entry_no).where(named.scalar_subquery().is_(None))


def _fact(kind: Kind, task: Any) -> Select[*tuple[Any, ...]]:
    return select().where(Entry.kind == kind, Entry.source_id == task)


def _looked_up(question: Select[*tuple[Any, ...]], what: Any = Entry.entry_no) -> Any:
    """One value of an entry, or NULL.

    A scalar, not EXISTS: PostgreSQL turns that into a join over all entries there are, once it
    thinks that cheaper; a scalar it looks up by the key, row by row.
    """
    return question.add_columns(what).limit(1).correlate_except(Entry).scalar_subquery()


def _fenced(question: Any) -> Any:
    """A part that is finished before what follows it, so that few rows are looked up, not all."""
    return question.offset(0).subquery()
