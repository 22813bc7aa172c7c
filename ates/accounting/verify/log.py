"""The books against the log of events: every fact heard has its entry, every entry its fact."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from ates.accounting.closing import ME
from ates.accounting.models import Account, Block, Entry, Head
from ates.accounting.posting.facts import Fact
from ates.accounting.posting.reading import unposted
from ates.accounting.verify.difference import Difference, at
from ates.contracts.accounting import EntriesPosted, PostedEntry
from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel import clock
from ates.kernel.errors import Hopeless
from ates.kernel.events import contract_of, load
from ates.kernel.tables import consumer, event_log, log_head, outbox, parked

AT_ONCE = 1000


def log(session: Session) -> Iterator[Difference]:
    """Compare both ways, as far back as the log is kept (books.md, 15)."""
    yield from _facts_without_entry(session)
    pruned = (session.scalar(select(func.max(log_head.c.floor))) or 0) > 0
    yield from _entries_without_fact(session, _kept_since(session) if pruned else None)
    yield from _blocks_without_event(session, pruned)


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
    kind, said, first = contract_of(EntriesPosted).type, 0, None if pruned else 1
    blocks = session.scalar(select(Head.last_block_no)) or 0
    for table, order in ((event_log, event_log.c.position), (outbox, outbox.c.seq)):
        question = (
            select(table.c.version, table.c.key_version, table.c.data)
            .where(table.c.type == kind)
            .order_by(order)
        )
        for row in session.execute(question.execution_options(yield_per=50)):
            said += 1
            event = load(kind, row.version, json.loads(row.data), row.key_version)
            first = event.block_no if first is None else first
            yield from _as_said(session, event)
    due = 0 if first is None else blocks - first + 1
    if said != due:
        yield Difference(f"there are {due} blocks, {said} were said")


def _as_said(session: Session, event: EntriesPosted) -> Iterator[Difference]:
    rows = session.execute(
        select(Entry.__table__, Account.person_id)
        .join(Account, Account.id == Entry.account_id)
        .join(Block, Entry.entry_no.between(Block.first_entry_no, Block.last_entry_no))
        .where(Block.block_no == event.block_no)
        .order_by(Entry.entry_no)
    )
    names = PostedEntry.__dataclass_fields__
    booked = [PostedEntry(**{name: getattr(row, name) for name in names}) for row in rows]
    if booked != event.entries:
        first, last = event.entries[0].entry_no, event.entries[-1].entry_no
        yield Difference(f"block {event.block_no} was said otherwise", first, last)
