"""A ledger's events without accounting: what analytics may assume of them, and nothing more."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.analytics.handlers import inbox
from ates.analytics.models import Base
from ates.contracts.accounting import (
    LEDGER,
    Card,
    DayClosed,
    DayOpened,
    DayPaid,
    EntriesPosted,
    Kind,
    PostedEntry,
    Price,
    TasksPriced,
)
from ates.contracts.auth import PersonRegistered, Role
from ates.kernel.envelope import Meta
from ates.kernel.events import attach, contract_of

FIRST = date(2026, 11, 20)
ARA, BIBI, COCO = (UUID(int=0xA0 + number) for number in (1, 2, 3))


def moment(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def task(number: int) -> UUID:
    return UUID(int=0x7A000 + number)


@dataclass
class Ledger:
    """Says events in the order of the books and keeps every entry, to count it another way."""

    events: list[Any] = field(default_factory=list)
    entries: list[PostedEntry] = field(default_factory=list)
    said: int = 0
    blocks: int = 0

    def say(self, event: Any, at: datetime) -> None:
        meta = Meta(
            id=UUID(int=0xE000000 + self.said),
            source="accounting",
            key=f"ledger:{LEDGER}",
            key_version=self.said,
            occurred_at=at,
        )
        self.events.append(attach(event, meta))

    def _next(self) -> dict[str, Any]:
        self.said += 1
        return {"ledger": LEDGER, "key_version": self.said}

    def open(self, day: date, starts: datetime | None = None, ends: datetime | None = None) -> None:
        starts = starts or moment(day, 0)
        ends = ends or starts + timedelta(days=1)
        self.say(
            DayOpened(**self._next(), business_date=day, starts_at=starts, ends_at=ends), starts
        )

    def price(self, *numbers: int) -> None:
        prices = [Price(task_id=task(n), fee_cents=1500, reward_cents=3000) for n in numbers]
        self.say(TasksPriced(**self._next(), prices=prices), moment(FIRST))

    def entry(
        self,
        kind: Kind,
        person: UUID,
        cents: int,
        day: date,
        *,
        on: date | None = None,
        at: datetime | None = None,
        number: int = 1,
    ) -> PostedEntry:
        """The next entry; it reaches nobody before `post`."""
        made = PostedEntry(
            entry_no=len(self.entries) + 1,
            person_id=person,
            kind=kind,
            amount_cents=cents,
            business_date=day,
            occurred_on=on or day,
            occurred_at=at or moment(on or day),
            source_id=task(number),
            source_no=0 if kind == "reward" else len(self.entries) + 1,
        )
        self.entries.append(made)
        return made

    def post(self, *entries: PostedEntry) -> None:
        self.blocks += 1
        cards = [
            Card(task_id=each.source_id, number=each.source_id.int - 0x7A000, title="Feed Polly")
            for each in entries
            if each.kind == "reward"
        ]
        self.say(
            EntriesPosted(**self._next(), block_no=self.blocks, entries=list(entries), cards=cards),
            entries[-1].occurred_at,
        )

    def sum(self, day: date, kind: str) -> int:
        return sum(
            each.amount_cents
            for each in self.entries
            if each.business_date == day and each.kind == kind
        )

    def below(self, day: date) -> dict[UUID, int]:
        """Who would be below zero at a close now, once earlier closed days are paid: by hand."""
        closed = {e.business_date for e in self.events if isinstance(e, DayClosed)}
        paid = {e.business_date for e in self.events if isinstance(e, DayPaid)}
        pay = Counter[UUID]()
        for each in sorted({each for each in closed - paid if each < day} | {day}):
            balances = Counter[UUID]()
            for entry in self.entries:
                if entry.business_date <= each:
                    balances[entry.person_id] += entry.amount_cents
            left = {who: cents - pay[who] for who, cents in balances.items()}
            for who, cents in left.items():
                pay[who] += max(0, cents)
        return {who: cents for who, cents in left.items() if cents < 0}

    def close(self, day: date, *, wrong: int = 0) -> None:
        there = [e for e in self.entries if e.business_date == day and e.kind != "payout"]
        self.say(
            DayClosed(
                **self._next(),
                business_date=day,
                close_entry_no=len(self.entries),
                fee_cents=self.sum(day, "fee") + wrong,
                reward_cents=self.sum(day, "reward"),
                adjustment_cents=self.sum(day, "adjustment"),
                entries=len(there),
                below_zero=len(self.below(day)),
                parked=0,
                seal="00",
            ),
            moment(day + timedelta(days=1), 0, 2),
        )

    def pay(self, day: date, *, wrong: int = 0) -> None:
        paid = [e for e in self.entries if e.business_date == day and e.kind == "payout"]
        self.say(
            DayPaid(
                **self._next(),
                business_date=day,
                payouts=len(paid),
                payout_cents=-self.sum(day, "payout") + wrong,
            ),
            moment(day + timedelta(days=1), 0, 10),
        )


def person(id_: UUID, name: str, *, version: int = 1) -> PersonRegistered:
    """What auth says of somebody; a later version stands for a change."""
    made = PersonRegistered(
        person_id=id_,
        key_version=version,
        email=f"{id_.int}@example.org",
        name=name,
        role=Role.EMPLOYEE,
        trade=None,
        locale="en",
        active=True,
        epoch=1,
    )
    meta = Meta(
        id=UUID(int=id_.int * 1000 + version),
        source="auth",
        key=f"person_id:{id_}",
        key_version=version,
        occurred_at=moment(FIRST),
    )
    attach(made, meta)
    return made


def feed(session: Session, events: Sequence[Any], sizes: Iterable[int] = ()) -> None:
    """Through the real handlers, in batches of these sizes and then all the rest."""
    handlers = inbox.handlers()
    rest = list(events)
    for size in [*sizes, len(rest)]:
        batch, rest = rest[:size], rest[size:]
        unit = inbox.unit(session)
        for event in batch:
            handlers[contract_of(type(event)).type](unit, event)
        unit.flush()


def tables(session: Session, generation: int = 1) -> dict[str, list[tuple[Any, ...]]]:
    """Everything analytics keeps, without the number of the generation."""
    return {
        name: sorted(
            (
                tuple(row)[1:]
                for row in session.execute(select(table).where(table.c.generation == generation))
            ),
            key=str,
        )
        for name, table in Base.metadata.tables.items()
    }
