"""The whole log counted again beside the live figures, and both compared row by row."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, and_, literal, select, tuple_
from sqlalchemy.orm import Session

from ates.analytics.models import Base
from ates.analytics.totals import Totals
from ates.contracts.accounting import DayClosed, DayOpened, DayPaid, EntriesPosted, TasksPriced
from ates.contracts.auth import PersonChanged, PersonRegistered
from ates.kernel.db import WORK, Database
from ates.kernel.envelope import meta_from
from ates.kernel.errors import Hopeless
from ates.kernel.events import attach, contract_of, load
from ates.kernel.tables import consumer, event_log, parked

LEDGER = (DayOpened, TasksPriced, EntriesPosted, DayClosed, DayPaid)
HEARD = sorted({contract_of(each).type for each in (*LEDGER, PersonRegistered, PersonChanged)})
EVENTS = 100  # read at once: a block of 500 entries is some 150 kB
ENTRIES = 2_000  # counted at once
ROWS = 1_000  # compared at once


def differences(session: Session, name: str, generation: int) -> Iterator[str]:
    """Every row of every table that is not what the log says, each as a sentence."""
    with tempfile.TemporaryDirectory(prefix="ates-recount-") as folder:
        file = Path(folder) / "recount.sqlite3"
        file.touch()
        other = Database(f"sqlite:///{file}", WORK, unsafe=True)
        try:
            yield from _counted(session, name, other)
            with other.reading() as recounted:
                for table in Base.metadata.sorted_tables:
                    yield from _compare(table, session, generation, recounted)
        finally:
            other.close()


# --- counting -------------------------------------------------------------------------------------


def _counted(session: Session, name: str, other: Database) -> Iterator[str]:
    """Count into `other`; where the log contradicts itself, say so and count no further."""
    with other.transaction() as begun:
        Base.metadata.create_all(begun.connection())
    try:
        for batch in _batches(session, name):
            with other.transaction() as counting:
                unit = Totals(counting)
                for event in batch:
                    if isinstance(event, LEDGER):
                        unit.count(event)
                    else:
                        unit.name(event)
                unit.flush()
    except Hopeless as error:
        yield f"the log cannot be counted again: {error}"


def _batches(session: Session, name: str) -> Iterator[list[Any]]:
    """The events this consumer has handled, in the order of the log."""
    batch: list[Any] = []
    size = 0
    for row in _handled(session, name):
        event = load(row.type, row.version, json.loads(row.data), row.key_version)
        batch.append(attach(event, meta_from(row)))
        size += len(event.entries) if isinstance(event, EntriesPosted) else 1
        if size >= ENTRIES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _handled(session: Session, name: str) -> Iterator[Row[Any]]:
    """Rows of the log up to the position, without those that are set aside or skipped."""
    aside = and_(
        parked.c.consumer == name,
        parked.c.log == event_log.c.log,
        parked.c.position == event_log.c.position,
    )
    for place in session.execute(select(consumer).where(consumer.c.name == name)).all():
        query = (
            select(event_log)
            .outerjoin(parked, aside)
            .where(
                event_log.c.log == place.log,
                event_log.c.position <= place.position,
                event_log.c.type.in_(HEARD),
                parked.c.position.is_(None),
            )
            .order_by(event_log.c.position)
            .limit(EVENTS)
        )
        after = 0
        while rows := session.execute(query.where(event_log.c.position > after)).all():
            yield from rows
            after = rows[-1].position


# --- comparing ------------------------------------------------------------------------------------


def _compare(
    table: Table[Any], session: Session, generation: int, recounted: Session
) -> Iterator[str]:
    """Both sides in the order of the key, side by side."""
    keys = [column.name for column in table.primary_key if column.name != "generation"]
    mine, theirs = _rows(table, session, generation), _rows(table, recounted, 1)
    row, right = next(mine, None), next(theirs, None)
    while row is not None or right is not None:
        here, there = _key(row, keys), _key(right, keys)
        if there is None or (here is not None and here < there):
            yield f"{_called(table, here)} is there, the log knows nothing of it"
            row = next(mine, None)
        elif here is None or there < here:
            yield f"{_called(table, there)} is missing"
            right = next(theirs, None)
        else:
            assert row is not None
            assert right is not None
            yield from _unequal(table, here, row, right)
            row, right = next(mine, None), next(theirs, None)


def _rows(table: Table[Any], session: Session, generation: int) -> Iterator[Row[Any]]:
    """All rows of one generation, some at a time, in the order of the key."""
    keys = [column for column in table.primary_key if column.name != "generation"]
    query = select(table).where(table.c.generation == generation).limit(ROWS)
    query = query.order_by(*keys)
    place: Sequence[Any] | None = None
    while True:
        further = query
        if place is not None and keys:
            there = (literal(value, key.type) for value, key in zip(place, keys, strict=True))
            further = query.where(tuple_(*keys) > tuple_(*there))
        rows = session.execute(further).all()
        yield from rows
        if len(rows) < ROWS:
            return
        place = [getattr(rows[-1], key.name) for key in keys]


def _key(row: Row[Any] | None, keys: Sequence[str]) -> tuple[Any, ...] | None:
    return None if row is None else tuple(getattr(row, key) for key in keys)


def _called(table: Table[Any], key: tuple[Any, ...] | None) -> str:
    return " ".join([table.name, *map(str, key or ())])


def _unequal(
    table: Table[Any], key: tuple[Any, ...] | None, row: Row[Any], right: Row[Any]
) -> Iterator[str]:
    for column in table.c:
        if column.name == "generation":
            continue
        here, there = getattr(row, column.name), getattr(right, column.name)
        if here != there:
            yield f"{_called(table, key)}: {column.name} is {here}, the log says {there}"
