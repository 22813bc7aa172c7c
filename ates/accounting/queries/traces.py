"""Entries by the event they come from, letters by the run, for operators who follow an act."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from ates.accounting.models import Block, Entry, PayoutLetter
from ates.contracts.accounting import EntriesPosted
from ates.kernel.envelope import Meta
from ates.kernel.errors import N_
from ates.kernel.events import contract_of
from ates.kernel.tables import event_log, outbox
from ates.kernel.trace import TraceLine

SHOWN = 100
MOMENTS = 50  # blocks whose events are looked for
WITHIN = timedelta(seconds=1)  # from the moment of a block to the event that tells it
TASK = "task_id:"
POSTED = contract_of(EntriesPosted).type
SOURCE = "accounting"
SENTENCES = {
    "fee": N_("Entry %(number)s: fee"),
    "reward": N_("Entry %(number)s: reward"),
    "adjustment": N_("Entry %(number)s: correction"),
}


def made(session: Session, events: Sequence[Meta], ids: Collection[str]) -> list[TraceLine]:
    """Fees and rewards of these events, each with its entry; corrections that were approved in
    these acts; letters of these payout runs."""
    rows = _entries(session, events)
    said = _said(session, sorted({row.posted_at for row in rows})[-MOMENTS:])
    entries = [
        TraceLine(
            row.posted_at,
            SENTENCES[row.kind],
            {"number": row.entry_no},
            "accounting.entry",
            {"number": row.entry_no},
            cause=row.event_id,
            said=said.get(row.block_no),
        )
        for row in rows
    ]
    return [*entries, *_corrections(session, events), *_letters(session, ids)]


def _entries(session: Session, events: Sequence[Meta]) -> Sequence[Any]:
    """By their business key, which has an index: an event id has none."""
    each = aliased(Block)
    first = (
        select(func.max(each.first_entry_no))
        .where(each.first_entry_no <= Entry.entry_no)
        .correlate(Entry)
        .scalar_subquery()
    )
    tasks = {UUID(meta.key.removeprefix(TASK)) for meta in events if meta.key.startswith(TASK)}
    if not tasks:
        return []
    return session.execute(
        select(Entry.entry_no, Entry.kind, Entry.posted_at, Entry.event_id, Block.block_no)
        .join(Block, Block.first_entry_no == first)
        .where(
            Entry.kind.in_(("fee", "reward")),
            Entry.source_id.in_(tasks),
            Entry.event_id.in_([meta.id for meta in events]),
        )
        .order_by(Entry.entry_no)
    ).all()


def _said(session: Session, moments: Collection[datetime]) -> dict[int, UUID]:
    """The events that told of blocks: their ids were drawn within a second of the block."""
    if not moments:
        return {}
    found: list[Any] = []
    for table in (event_log, outbox):
        near = (
            table.c.event_id.between(_first_id(each), _first_id(each + WITHIN)) for each in moments
        )
        found.append(
            select(table.c.event_id, table.c.data).where(
                or_(*near), table.c.source == SOURCE, table.c.type == POSTED
            )
        )
    rows = session.execute(union_all(*found))
    return {json.loads(row.data)["block_no"]: row.event_id for row in rows}


def _corrections(session: Session, events: Sequence[Meta]) -> list[TraceLine]:
    """What a person booked: told in events of accounting's own that no other event caused."""
    own = {
        meta.id: meta
        for meta in events
        if meta.source == SOURCE and meta.actor is not None and meta.causation_id is None
    }
    if not own:
        return []
    found = [
        select(table.c.event_id, table.c.data).where(
            table.c.event_id.in_(own), table.c.type == POSTED
        )
        for table in (event_log, outbox)
    ]
    return [
        TraceLine(
            own[row.event_id].occurred_at,
            SENTENCES[entry["kind"]],
            {"number": entry["entry_no"]},
            "accounting.entry",
            {"number": entry["entry_no"]},
            correlation_id=own[row.event_id].correlation_id,
            said=row.event_id,
        )
        for row in session.execute(union_all(*found))
        for entry in json.loads(row.data)["entries"]
        if entry["kind"] == "adjustment"
    ]


def _first_id(moment: datetime) -> UUID:
    """The lowest id of version 7 that can be drawn in this millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _letters(session: Session, ids: Collection[str]) -> list[TraceLine]:
    """By day and state: a run writes thousands."""
    if not ids:
        return []
    rows = session.execute(
        select(
            PayoutLetter.business_date,
            PayoutLetter.correlation_id,
            PayoutLetter.state,
            func.count().label("letters"),
            func.min(PayoutLetter.made_at).label("made_at"),
        )
        .where(PayoutLetter.correlation_id.in_(ids))
        .group_by(PayoutLetter.business_date, PayoutLetter.correlation_id, PayoutLetter.state)
        .order_by(PayoutLetter.business_date, PayoutLetter.state)
        .limit(SHOWN)
    )
    return [
        TraceLine(
            row.made_at,
            N_("Letters of the payout of %(day)s: %(count)s"),
            {"day": row.business_date.isoformat(), "count": row.letters},
            "accounting.payout",
            {"day": row.business_date.isoformat()},
            correlation_id=row.correlation_id,
            state=row.state,
        )
        for row in rows
    ]
