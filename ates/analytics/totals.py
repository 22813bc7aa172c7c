"""The unit of analytics: collects what a batch of events says and adds it to the sums at once."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Table, and_, case, delete, or_, select
from sqlalchemy.orm import Session

from ates.analytics import closing
from ates.analytics.models import (
    Base,
    DayReward,
    DaySum,
    Head,
    MinuteSum,
    MomentSum,
    Person,
    PersonDay,
    Task,
)
from ates.analytics.sums import RECENT, LedgerEvent, Row, Sums, person_row
from ates.contracts.accounting import DayClosed, DayOpened, DayPaid, EntriesPosted
from ates.contracts.auth import PersonChanged, PersonRegistered
from ates.kernel.events import meta_of
from ates.kernel.generations import number_of
from ates.kernel.many import Insert, Merge, write

PersonEvent = PersonRegistered | PersonChanged
NO_SYNC = {"synchronize_session": False}


class Totals:
    """One batch of events for one generation: no SQL before `flush`, a handful of statements in it.

    The ledger is one stream without gaps. An event whose number or whose first entry is not the
    next one, and a day whose sums differ from its control totals, are refused with Hopeless: the
    stream stops there, and no figure goes on from a wrong one.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._ledger: list[LedgerEvent] = []
        self._people: dict[UUID, PersonEvent] = {}

    def count(self, event: LedgerEvent) -> None:
        """Take the ledger's next event."""
        self._ledger.append(event)

    def name(self, event: PersonEvent) -> None:
        """Take what auth says of a person; the latest state wins."""
        known = self._people.get(event.person_id)
        if known is None or known.key_version < event.key_version:
            self._people[event.person_id] = event

    def flush(self) -> None:
        """Write everything; raises Hopeless for what cannot be: then nothing of it may stay."""
        generation = number_of(self.session.info.get("consumer", ""))
        if self._ledger:
            sums = self._read(generation)
            for event in self._ledger:
                sums.add(event)
                if isinstance(event, DayClosed):
                    self._close(generation, sums, event.business_date)
            self._write(generation, sums)
            self._write_head(generation, sums)
        self._write_names(generation)

    def _close(self, generation: int, sums: Sums, day: date) -> None:
        """Who was below zero and who lost money at this very event: so the rest is written first.

        Days close once a day, so that this parts a batch in two only then.
        """
        self._write(generation, sums)
        sums.forget()
        closing.keep_below(self.session, generation, day)
        sums.days[day]["lost"] = closing.lost_on(self.session, generation, day)

    # --- reading ------------------------------------------------------------------------------

    def _read(self, generation: int) -> Sums:
        head = self.session.execute(
            select(Head.key_version, Head.entry_no).where(Head.generation == generation)
        ).one_or_none()
        table = table_of(DaySum)
        of = table.c.generation == generation
        newest = select(table.c.business_date).where(of).order_by(table.c.business_date.desc())
        found = self.session.execute(
            select(table).where(
                of,
                or_(
                    table.c.business_date.in_(self._dates()),
                    table.c.business_date.in_(newest.limit(RECENT)),
                ),
            )
        )
        days = {row.business_date: dict(row._mapping) for row in found}
        return Sums(days, *(head or (0, 0)))

    def _dates(self) -> set[date]:
        """Every day these events name; a day that is opened in this very batch is not there yet."""
        dates: set[date] = set()
        for event in self._ledger:
            match event:
                case EntriesPosted():
                    dates.update(entry.business_date for entry in event.entries)
                case DayOpened() | DayClosed() | DayPaid():
                    dates.add(event.business_date)
        return dates

    # --- writing ------------------------------------------------------------------------------

    def _write(self, generation: int, sums: Sums) -> None:
        recent = sums.recent_from
        self._upsert(DaySum, generation, sums.days.values(), _replaced)
        self._upsert(Person, generation, sums.people.values(), BALANCE)
        self._upsert(PersonDay, generation, sums.person_days.values(), EARNED_AND_NET)
        for model, rows in ((MinuteSum, sums.minutes), (MomentSum, sums.moments)):
            kept = (row for (day, _), row in rows.items() if day >= recent)
            self._upsert(model, generation, kept, EARNED)
            if sums.opened:
                old = (model.generation == generation, model.business_date < recent)
                self.session.execute(delete(model).where(*old), execution_options=NO_SYNC)
        self._upsert(DayReward, generation, sums.rewards.values(), _earlier_first)
        self._upsert(Task, generation, sums.tasks.values(), _replaced)

    def _write_head(self, generation: int, sums: Sums) -> None:
        head = {
            "key_version": sums.key_version,
            "entry_no": sums.entry_no,
            "posted_at": meta_of(self._ledger[-1]).occurred_at,
        }
        self._upsert(Head, generation, [head], _replaced)

    def _write_names(self, generation: int) -> None:
        rows = [
            person_row(id_, name=event.name, version=event.key_version)
            for id_, event in self._people.items()
        ]
        self._upsert(Person, generation, rows, _newer_name)

    def _upsert(
        self, model: type[Base], generation: int, rows: Iterable[Row], merge: Merge
    ) -> None:
        """Insert the rows of a table, or merge them into those that are there."""
        write(
            self.session,
            table_of(model),
            [{**row, "generation": generation} for row in rows],
            merge,
        )


# --- how a row merges into the one that is there -----------------------------------------------


def table_of(model: type[Base]) -> Table[Any]:
    """The table behind a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _merged(insert: Insert, table: Table[Any], values: Mapping[str, Any]) -> Insert:
    keys = [column.name for column in table.primary_key]
    return insert.on_conflict_do_update(index_elements=keys, set_=dict(values))


def _replaced(insert: Insert, table: Table[Any]) -> Insert:
    names = (column.name for column in table.c if not column.primary_key)
    return _merged(insert, table, {name: insert.excluded[name] for name in names})


def _added(*names: str) -> Merge:
    def added(insert: Insert, table: Table[Any]) -> Insert:
        sums = {name: table.c[name] + insert.excluded[name] for name in names}
        return _merged(insert, table, sums)

    return added


# Made once: the statement of each is worded once (kernel.many).
EARNED, EARNED_AND_NET = _added("earned_cents"), _added("earned_cents", "net_cents")
BALANCE = _added("balance_cents", "entries")


def _newer_name(insert: Insert, table: Table[Any]) -> Insert:
    new = insert.excluded
    newer = new.version > table.c.version
    values = {name: case((newer, new[name]), else_=table.c[name]) for name in ("name", "version")}
    return _merged(insert, table, values)


def _earlier_first(insert: Insert, table: Table[Any]) -> Insert:
    new = insert.excluded
    earlier = or_(
        new.first_completed_at < table.c.first_completed_at,
        and_(
            new.first_completed_at == table.c.first_completed_at,
            new.first_task_id < table.c.first_task_id,
        ),
    )
    first = ("first_task_id", "first_person_id", "first_completed_at")
    values: dict[str, Any] = {
        name: case((earlier, new[name]), else_=table.c[name]) for name in first
    }
    return _merged(insert, table, {"tasks": table.c.tasks + new.tasks, **values})
