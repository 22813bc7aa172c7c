"""What a world is told: by the clock, by tasks, by auth; with what it remembers of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Flask

from ates.accounting.keyring import Books, Keyring
from ates.contracts.auth import PersonRegistered, Role
from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel import clock, delivery, ids
from ates.kernel.bus import publish
from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from ates.kernel.events import meta_of
from tests.accounting.machine.rows import ME, read
from tests.accounting.make import ARA, BIBI, COCO, NAMES, books, task
from tests.engines.smtp import MailServer

DAN = UUID("00000000-0000-4000-8000-0000000000a4")
PEOPLE = (ARA, BIBI, COCO, DAN)
START = datetime(2025, 3, 28, 20, tzinfo=UTC)  # a day before clocks change in many zones


@dataclass(frozen=True)
class Said:
    """A fact as tasks said it, and the act in which it was committed."""

    kind: str
    number: int  # of the task
    draw: int
    who: UUID
    at: datetime
    step: int

    @property
    def key(self) -> tuple[str, UUID, int]:
        return self.kind, task(self.number), self.draw


class Told:
    """The model beside the rows: what was said and when, what was seen, what time it is."""

    AHEAD = timedelta(minutes=5)

    def __init__(self, app: Flask, zone: str, server: MailServer | None = None) -> None:
        self.app, self.server = app, server
        self.database: Database = app.extensions["ates.database"]
        self.keys = {1: bytes(range(32))}
        self.use(books(zone))
        self.now, self.step = START, 0
        self.said: dict[UUID, Said] = {}
        self.aside: set[UUID] = set()  # events that were ever parked
        self.versions: Counter[int] = Counter()
        self.draws: Counter[int] = Counter()
        self.holders: dict[int, UUID] = {}
        self.done: set[int] = set()
        self.met: set[UUID] = set()
        self.adjustments: dict[UUID, tuple[UUID, int]] = {}
        self.zones: dict[date, str] = {}  # the zone in which a day's row was made
        self.closed_in: dict[date, int] = {}  # the act that closed a day
        self.incomes: dict[date, int] = {}
        self.skipped: set[tuple[UUID, date]] = set()  # accounts that were held as a day was paid
        self.held_since: dict[UUID, int] = {}  # the last entry as a hold was set
        self.paid_days: set[date] = set()
        self.faults: list[str] = []
        self.before: dict[str, dict[Any, Any]] = {}  # what must never change, by table
        self.kept: dict[str, dict[Any, Any]] = {}
        with self.running():
            inboxes = self.app.extensions["ates.inboxes"]
            delivery.ensure_consumers(self.database, [inboxes[ME], inboxes["analytics"]])

    # --- the clock and the settings ---------------------------------------------------------------

    @contextmanager
    def running(self, at: datetime | None = None) -> Iterator[None]:
        with self.app.app_context(), clock.frozen(at or self.now), ids.seeded(0):
            yield

    def use(self, settings: Books) -> None:
        self.books = settings
        self.app.extensions["ates.books"] = settings

    def wait(self, minutes: float = 0, microseconds: int = 0) -> None:
        self.now += timedelta(minutes=minutes, microseconds=microseconds)

    def to_border(self, microseconds: int = 0) -> None:
        """To the end of the day that runs, or next to it."""
        ends = [day.ends_at for day in read(self.database).days if day.ends_at > self.now]
        if ends:
            self.now = ends[0] + timedelta(microseconds=microseconds)

    def move(self, zone: str) -> None:
        """The business moves to another zone between two runs."""
        self.use(replace(self.books, zone=ZoneInfo(zone)))

    def new_key(self) -> None:
        """Another key draws and seals from now on."""
        number = max(self.keys) + 1
        self.keys[number] = bytes([number]) * 32
        self.use(replace(self.books, keyring=Keyring(dict(self.keys), number)))

    # --- what tasks and auth say ------------------------------------------------------------------

    def assign(self, number: int, who: UUID, *, ago: float = 0) -> None:
        """Draw an assignee, `ago` seconds before its commit; the same person may be drawn again."""
        self.draws[number] += 1
        self.holders[number] = who
        self.say("fee", number, self.draws[number], who, ago=ago)

    def complete(self, number: int, who: UUID | None = None, *, ago: float = 0) -> None:
        """The task is done, by its assignee unless somebody is named."""
        self.done.add(number)
        self.say("reward", number, 0, who or self.holders[number], ago=ago)

    def say(self, kind: str, number: int, draw: int, who: UUID, *, ago: float = 0) -> None:
        """Publish one event as if it were `ago` seconds earlier: a slow producer, or its clock."""
        at = self.now - timedelta(seconds=ago)
        self._publish(kind, number, draw, who, at)

    def repeat(self, which: int) -> None:
        """Say a fact again, under a new event id."""
        if fact := self._one_said(which):
            self._publish(fact.kind, fact.number, fact.draw, fact.who, fact.at)

    def contradict(self, which: int, *, later: bool) -> None:
        """Say a fact of another moment, or of another person, under its key."""
        if fact := self._one_said(which):
            other = PEOPLE[(PEOPLE.index(fact.who) + 1) % len(PEOPLE)]
            at = fact.at - timedelta(microseconds=1) if later else fact.at
            who = fact.who if later else other
            self._publish(fact.kind, fact.number, fact.draw, who, at)

    def meet(self, who: UUID) -> None:
        """Auth says a person, once."""
        if who in self.met:
            return
        self.met.add(who)
        name = NAMES.get(who, "Dan")
        event = PersonRegistered(
            person_id=who,
            key_version=1,
            email=f"{name.lower()}@popug.test",
            name=name,
            role=Role.EMPLOYEE,
            trade="tester",
            locale="en",
            active=True,
            epoch=1,
        )
        with self.running(), self.database.transaction() as session:
            publish(session, event)

    # --- how it is done ---------------------------------------------------------------------------

    def _publish(self, kind: str, number: int, draw: int, who: UUID, at: datetime) -> None:
        self.versions[number] += 1
        about: dict[str, Any] = {"task_id": task(number), "key_version": self.versions[number]}
        event: Any
        if kind == "fee":
            event = TaskAssigned(**about, number=draw, assignee_id=who)
        else:
            event = TaskCompleted(**about, assignee_id=who)
        with self.running(at), self.database.transaction() as session:
            publish(session, event)
        self.said[meta_of(event).id] = Said(kind, number, draw, who, at, self.step)

    def _one_said(self, which: int) -> Said | None:
        facts = list(self.said.values())
        return facts[which % len(facts)] if facts else None

    def drain(self, size: int) -> Drain:
        drain = Drain(self.database, self.app.extensions["ates.inboxes"][ME])
        drain.stats.size = size
        return drain

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """An act that must not fail: its failure is a broken property."""
        try:
            yield
        except Exception as error:
            self.faults.append(f"{what} failed: {type(error).__name__}: {error}")
