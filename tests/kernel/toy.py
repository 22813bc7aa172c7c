"""A toy producer and toy consumers: effects go into a ledger where a duplicate is a row."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Column, Table, Text, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from ates.kernel import db
from ates.kernel.bus import publish, publish_all
from ates.kernel.envelope import Meta
from ates.kernel.errors import Hopeless
from ates.kernel.events import contracts, event, meta_of, upcast
from ates.kernel.inbox import Inbox
from ates.kernel.types import BigInt, Id, UTCDateTime

SPACE = UUID("6f1d1e6e-7f5f-4c1c-9a53-000000000000")


class Base(DeclarativeBase):
    metadata = db.metadata()


class Thing(db.Aggregate, Base):
    """A row that says events."""

    __tablename__ = "toy_thing"
    __table_args__ = (db.STRICT,)

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    total: Mapped[int] = mapped_column(BigInt, default=0)


# No unique key on purpose: an event handled twice becomes a second row, not an error.
effect = Table(
    "toy_effect",
    Base.metadata,
    Column("id", BigInt, primary_key=True, autoincrement=True),
    Column("consumer", Text, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("key_version", BigInt, nullable=False),
    Column("n", BigInt, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    sqlite_autoincrement=True,
    **db.STRICT,
)
# A read model: sums, which a lost or doubled event makes wrong.
sums = Table(
    "toy_sum",
    Base.metadata,
    Column("consumer", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("events", BigInt, nullable=False),
    Column("total", BigInt, nullable=False),
    **db.STRICT,
)


@event("toy.bumped", version=2, key="thing_id")
class Bumped:
    """A thing got a number. Version 1 had it as text."""

    thing_id: UUID
    key_version: int
    n: int


@upcast("toy.bumped", from_version=1)
def number_from_text(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "n": int(data["n"])}


@event("toy.echoed", version=1, key="echo_id")
class Echoed:
    """The echo of a bump, said by a consumer under an aggregate of its own."""

    echo_id: UUID
    key_version: int
    n: int


@event("toy.whispered", version=1, key="thing_id")
class Whispered:
    """Nobody hears this."""

    thing_id: UUID
    key_version: int


# Known only while a plant stands: the tests of the real contracts must not find these.
CONTRACTS = {name: contracts.pop(name) for name in ("toy.bumped", "toy.echoed", "toy.whispered")}


class Poison(Exception):
    """What a handler raises for a poisoned number."""


class Poisons:
    """Which numbers fail at present, how, and which ever did."""

    def __init__(self) -> None:
        self.now: dict[int, str] = {}
        self.ever: set[int] = set()

    def add(self, n: int, how: str = "late") -> None:
        """`early` before the write, `late` after it, `sql` in the database, `hopeless` at once.

        `outage` is no poison: the surroundings are away, and nothing may be parked for it.
        """
        self.now[n] = how
        if how != "outage":
            self.ever.add(n)

    def clear(self) -> None:
        self.now.clear()

    def bite(self, session: Session, n: int, moment: str) -> None:
        how = self.now.get(n)
        if how == "early" and moment == "early":
            raise Poison(f"number {n} is poisoned")
        if moment != "late" or how is None:
            return
        if how == "sql":
            session.execute(insert(sums).values(consumer=None, key="x", events=0, total=0))
        if how == "hopeless":
            raise Hopeless(f"number {n} is hopeless")
        if how == "outage":
            raise ConnectionError(f"the surroundings of {n} are away")
        if how == "late":
            raise Poison(f"number {n} is poisoned")


def effect_of(consumer: str, meta: Meta, n: int) -> dict[str, Any]:
    return {
        "consumer": consumer,
        "position": meta.position,
        "source": meta.source,
        "key": meta.key,
        "key_version": meta.key_version,
        "n": n,
        "at": meta.occurred_at,
    }


class Tally:
    """A bulk unit: collects intents, writes in `flush` with multi-row statements."""

    def __init__(self, session: Session, consumer: str, poisons: Poisons) -> None:
        self.session, self.consumer, self.poisons = session, consumer, poisons
        self.rows: list[dict[str, Any]] = []

    def count(self, meta: Meta, n: int) -> None:
        self.rows.append(effect_of(self.consumer, meta, n))

    def flush(self) -> None:
        if not self.rows:
            return
        self.session.execute(insert(effect), self.rows)
        events, totals = Counter[str](), Counter[str]()
        for row in self.rows:
            events[row["key"]] += 1
            totals[row["key"]] += row["n"]
        there = set(
            self.session.scalars(
                select(sums.c.key).where(sums.c.consumer == self.consumer, sums.c.key.in_(events))
            )
        )
        for key in sorted(events):
            where = (sums.c.consumer == self.consumer, sums.c.key == key)
            values = {"events": events[key], "total": totals[key]}
            if key in there:
                grown = {name: sums.c[name] + value for name, value in values.items()}
                self.session.execute(update(sums).where(*where).values(**grown))
            else:
                self.session.execute(insert(sums).values(consumer=self.consumer, key=key, **values))
        for row in self.rows:  # a bulk unit fails in its flush, after its writes
            self.poisons.bite(self.session, row["n"], "late")


def direct(poisons: Poisons, name: str = "direct") -> Inbox:
    """Writes each effect at once, through the plain session."""
    inbox = Inbox(name)

    @inbox.on(Bumped)
    def note(session: Session, bumped: Bumped) -> None:
        poisons.bite(session, bumped.n, "early")
        session.execute(insert(effect).values(**effect_of(name, meta_of(bumped), bumped.n)))
        poisons.bite(session, bumped.n, "late")

    return inbox


def bulk(poisons: Poisons, name: str = "bulk") -> Inbox:
    """A read model: intents until the flush."""

    def open_unit(session: Session) -> Tally:
        return Tally(session, name, poisons)

    inbox = Inbox(name, unit=open_unit, rebuildable=True)

    @inbox.on(Bumped)
    def count(tally: Tally, bumped: Bumped) -> None:
        tally.count(meta_of(bumped), bumped.n)

    @inbox.on(Echoed)
    def count_echo(tally: Tally, echoed: Echoed) -> None:
        tally.count(meta_of(echoed), echoed.n)

    return inbox


def echo(name: str = "echo") -> Inbox:
    """Answers each bump with an event of an aggregate of its own, in the same transaction."""
    return loud_echo(Poisons(), name)


def loud_echo(poisons: Poisons, name: str = "echo") -> Inbox:
    """The same, and it can be poisoned."""
    inbox = Inbox(name)

    @inbox.on(Bumped)
    def answer(session: Session, bumped: Bumped) -> None:
        poisons.bite(session, bumped.n, "early")
        session.execute(insert(effect).values(**effect_of(name, meta_of(bumped), bumped.n)))
        thing = held(session, echo_of(bumped.thing_id))
        publish(session, Echoed(echo_id=thing.id, key_version=thing.next_version(), n=bumped.n))

    return inbox


def thing_id(number: int) -> UUID:
    return uuid5(SPACE, str(number))


def echo_of(of: UUID) -> UUID:
    return uuid5(SPACE, f"echo of {of}")


def held(session: Session, identity: UUID) -> Thing:
    """The aggregate, locked; made if it is new."""
    thing = session.get(Thing, identity, with_for_update=True)
    if thing is None:
        thing = Thing(id=identity, said=0, total=0)
        session.add(thing)
    return thing


def bump(session: Session, number: int, n: int) -> Thing:
    """One event of thing `number`, under its lock."""
    thing = held(session, thing_id(number))
    thing.total += n
    publish(session, Bumped(thing_id=thing.id, key_version=thing.next_version(), n=n))
    return thing


def bump_many(session: Session, pairs: list[tuple[int, int]]) -> None:
    """Events of many things, said as one run."""
    things = {number: held(session, thing_id(number)) for number, _ in sorted(pairs)}
    publish_all(
        session,
        [
            Bumped(thing_id=things[each].id, key_version=things[each].next_version(), n=n)
            for each, n in pairs
        ],
    )


def whisper(session: Session, number: int) -> None:
    thing = held(session, thing_id(number))
    publish(session, Whispered(thing_id=thing.id, key_version=thing.next_version()))


def last_effect(session: Session) -> int:
    return session.scalar(select(func.max(effect.c.id))) or 0
