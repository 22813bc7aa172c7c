"""The books against the log of events: every fact heard has its entry, every entry its fact."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from ates.accounting.closing import ME
from ates.accounting.models import Account, Block, BusinessDay, Entry, Head
from ates.accounting.posting.facts import Fact
from ates.accounting.posting.reading import unposted
from ates.accounting.verify.difference import Difference, at
from ates.contracts.accounting import (
    LEDGER,
    DayClosed,
    DayOpened,
    DayPaid,
    EntriesPosted,
    PostedEntry,
)
from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel import clock
from ates.kernel.errors import Hopeless
from ates.kernel.events import contract_of, load
from ates.kernel.tables import consumer, event_log, log_head, outbox, parked

AT_ONCE = 1000
SAID_AT_ONCE = 50
POSTED = PostedEntry.__struct_fields__
ACTS: dict[type[Any], str] = {DayOpened: "opened", DayClosed: "closed", DayPaid: "paid"}


def log(session: Session) -> Iterator[Difference]:
    """Compare both ways, as far back as the log is kept (books.md, 15)."""
    yield from _facts_without_entry(session)
    pruned = (session.scalar(select(func.max(log_head.c.floor))) or 0) > 0
    yield from _entries_without_fact(session, _kept_since(session) if pruned else None)
    yield from _blocks_without_event(session, pruned)
    yield from _days_as_said(session, pruned)
    yield from _number_of_events(session, pruned)


def _facts_without_entry(session: Session) -> Iterator[Difference]:
    """Each event that was handled and not set aside has its entry, with its content."""
    aside = exists().where(
        parked.c.consumer == ME,
        parked.c.log == event_log.c.log,
        parked.c.position == event_log.c.position,
    )
    heard = [contract_of(cls).type for cls in (TaskAssigned, TaskCompleted)]
    place = and_(consumer.c.name == ME, consumer.c.log == event_log.c.log)
    question = (
        select(event_log)
        .join(consumer, place)
        .where(event_log.c.type.in_(heard), event_log.c.position <= consumer.c.position, ~aside)
        .order_by(event_log.c.log, event_log.c.position)
    )
    for rows in session.execute(question).partitions(AT_ONCE):
        yield from _unbooked(session, [_fact(row) for row in rows])


def _unbooked(session: Session, facts: Sequence[Fact]) -> Iterator[Difference]:
    try:
        missing = unposted(session, facts)
    except Hopeless as conflict:
        if len(facts) == 1:
            yield Difference(str(conflict))
            return
        half = len(facts) // 2
        yield from _unbooked(session, facts[:half])
        yield from _unbooked(session, facts[half:])
        return
    for fact in missing:
        yield Difference(f"{fact.kind} of {fact.source_id} no {fact.source_no} was never booked")


def _fact(row: Any) -> Fact:
    event = load(row.type, row.version, json.loads(row.data), row.key_version)
    assigned = isinstance(event, TaskAssigned)
    return Fact(
        kind="fee" if assigned else "reward",
        source_id=event.task_id,
        source_no=event.number if assigned else 0,
        person_id=event.assignee_id,
        occurred_at=row.occurred_at,
    )


def _kept_since(session: Session) -> datetime:
    """All that happened since then is in the log: before it, events may have been pruned.

    An event is numbered after it happened, so what happened after the oldest that is kept was
    numbered has a later number. With nothing kept, nothing can be missed.
    """
    return session.scalar(select(func.min(event_log.c.recorded_at))) or clock.now()


def _entries_without_fact(session: Session, since: datetime | None) -> Iterator[Difference]:
    question = (
        select(Entry.entry_no)
        .outerjoin(event_log, event_log.c.event_id == Entry.event_id)
        .where(Entry.kind.in_(("fee", "reward")), event_log.c.event_id.is_(None))
        .order_by(Entry.entry_no)
        .limit(AT_ONCE)
    )
    if since is not None:
        question = question.where(Entry.occurred_at > since)
    for row in session.execute(question):
        yield at(row.entry_no, "no event of the log is behind it")


def _blocks_without_event(session: Session, pruned: bool) -> Iterator[Difference]:
    """Each block was said once, as it stands in the books; of a pruned log, from its first on."""
    said, first = 0, None if pruned else 1
    blocks = session.scalar(select(Head.last_block_no)) or 0
    for events in _said(session, EntriesPosted):
        said += len(events)
        first = events[0].block_no if first is None else first
        yield from _as_said(session, events)
    due = 0 if first is None else blocks - first + 1
    if said != due:
        yield Difference(f"there are {due} blocks, {said} were said")


def _said(session: Session, *heard: type[Any]) -> Iterator[list[Any]]:
    """The ledger's events of these kinds in the order of their numbers, some at a time."""
    kinds = [contract_of(cls).type for cls in heard]
    for table, order in ((event_log, event_log.c.position), (outbox, outbox.c.seq)):
        question = (
            select(table.c.type, table.c.version, table.c.key_version, table.c.data)
            .where(table.c.type.in_(kinds))
            .order_by(order)
        )
        rows = session.execute(question.execution_options(yield_per=SAID_AT_ONCE))
        for some in rows.partitions():
            yield [
                load(row.type, row.version, json.loads(row.data), row.key_version) for row in some
            ]


def _as_said(session: Session, events: Sequence[EntriesPosted]) -> Iterator[Difference]:
    """The entries of these blocks, read at once, beside what was said of them."""
    numbers = [event.block_no for event in events]
    blocks = {
        row.block_no: row
        for row in session.execute(select(Block.__table__).where(Block.block_no.in_(numbers)))
    }
    if blocks:
        first = min(row.first_entry_no for row in blocks.values())
        last = max(row.last_entry_no for row in blocks.values())
        rows = session.execute(
            select(Entry.__table__, Account.person_id)
            .join(Account, Account.id == Entry.account_id)
            .where(Entry.entry_no.between(first, last))
        )
        booked = {row.entry_no: _posted(row) for row in rows}
    for event in events:
        block, low, high = blocks.get(event.block_no), event.entries[0], event.entries[-1]
        said = {each.entry_no: each for each in event.entries}
        due = range(block.first_entry_no, block.last_entry_no + 1) if block is not None else ()
        if block is None or said != {no: booked[no] for no in due if no in booked}:
            yield Difference(
                f"block {event.block_no} was said otherwise", low.entry_no, high.entry_no
            )


def _posted(row: Any) -> PostedEntry:
    return PostedEntry(**{name: getattr(row, name) for name in POSTED})


def _days_as_said(session: Session, pruned: bool) -> Iterator[Difference]:
    """Each day has the borders, the close and the payout that were said of it."""
    days = {row.business_date: row for row in session.execute(select(BusinessDay.__table__)).all()}
    left = {"opened": set(days), "closed": _in(days, "closed", "paid"), "paid": _in(days, "paid")}
    for events in _said(session, DayOpened, DayClosed, DayPaid):
        for event in events:
            row, act = days.get(event.business_date), ACTS[type(event)]
            left[act].discard(event.business_date)
            if row is None or not _same_day(row, event):
                yield Difference(f"it was said otherwise how {event.business_date} was {act}")
    for act, unsaid in left.items():
        if not pruned:
            yield from (
                Difference(f"{day} was {act}, and nobody said so") for day in sorted(unsaid)
            )


def _in(days: Mapping[date, Any], *states: str) -> set[date]:
    return {day for day, row in days.items() if row.state in states}


def _same_day(row: Any, event: DayOpened | DayClosed | DayPaid) -> bool:
    if isinstance(event, DayOpened):
        return (row.starts_at, row.ends_at) == (event.starts_at, event.ends_at)
    if isinstance(event, DayPaid):
        said = (event.payouts, event.payout_cents)
        return row.state == "paid" and (row.payouts, row.payout_cents) == said
    seal = row.seal.hex() if row.seal is not None else None
    return (row.close_entry_no, row.parked, seal) == (
        event.close_entry_no,
        event.parked,
        event.seal,
    )


def _number_of_events(session: Session, pruned: bool) -> Iterator[Difference]:
    """The head's count of what the ledger said is the number of its last event."""
    last = [
        session.scalar(
            select(func.max(table.c.key_version)).where(
                table.c.source == ME, table.c.key == f"ledger:{LEDGER}"
            )
        )
        for table in (event_log, outbox)
    ]
    said = session.scalar(select(Head.said)) or 0
    known = [each for each in last if each is not None]
    if said != max(known, default=said if pruned else 0):
        yield Difference(f"the head counts {said} events, the last is {max(known, default=0)}")
