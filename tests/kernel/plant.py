"""A plant: a fresh database, the toy producer and its consumers, and hands to run them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from ates.kernel import clock, db, delivery, outbox
from ates.kernel.db import Database
from ates.kernel.delivery import DRY, Drain, ensure_consumers
from ates.kernel.events import contracts
from ates.kernel.inbox import Inbox
from ates.kernel.tables import consumer, event_log, parked
from tests.kernel import toy
from tests.kernel.properties import names, violations


class Plant:
    """The toy part with its consumers on one database."""

    def __init__(self, url: str, *, echo: bool = True, durable: bool = False) -> None:
        self.url = url
        contracts.update(toy.CONTRACTS)
        self.database = Database(url, db.WORK, unsafe=not durable)
        self.poisons = toy.Poisons()
        made = [toy.direct(self.poisons), toy.bulk(self.poisons)]
        self.inboxes: dict[str, Inbox] = {each.name: each for each in made}
        if echo:
            self.inboxes["echo"] = toy.echo()
        self.known = frozenset(contracts)
        self.seen: dict[int, tuple[Any, ...]] = {}  # the log as it was, which never changes
        self.rung: list[set[str]] = []
        self.n = 0
        self.app = Flask("toy")
        db.init_app(self.app, self.database)
        delivery.init_app(self.app, list(self.inboxes.values()))
        outbox.init_app(self.app, self.rung.append)
        with self.database.transaction() as session:
            toy.Base.metadata.create_all(session.connection())
        self.begin()

    def begin(self) -> None:
        ensure_consumers(self.database, list(self.inboxes.values()))

    def close(self) -> None:
        self.database.close()
        for name in toy.CONTRACTS:
            contracts.pop(name, None)

    # --- producing ------------------------------------------------------------------------------

    def bump(self, number: int, *, poison: str = "") -> int:
        """One event of thing `number` in a transaction of its own; its `n`."""
        self.n += 1
        if poison:
            self.poisons.add(self.n, poison)
        with self.database.transaction() as session:
            toy.bump(session, number, self.n)
        return self.n

    def bump_many(self, count: int, things: int = 5) -> None:
        """`count` events over `things` streams, as one run."""
        pairs = []
        for each in range(count):
            self.n += 1
            pairs.append((each % things, self.n))
        with self.database.transaction() as session:
            toy.bump_many(session, pairs)

    # --- consuming ------------------------------------------------------------------------------

    def drain(self, name: str, size: int = delivery.BATCH, **more: Any) -> Drain:
        made = Drain(self.database, self.inboxes[name], **more)
        made.stats.size = size
        return made

    def settle(self, size: int = delivery.BATCH) -> None:
        """Drain all until nothing moves; what stopped one is left to the properties."""
        for _ in range(20):
            if not self._round(size):
                return

    def _round(self, size: int) -> bool:
        moved = False
        for name in self.inboxes:
            drain = self.drain(name, size)
            try:
                assert drain.run() == DRY
            except Exception:  # a plant whose drain fails shows it as P6
                continue
            moved = moved or drain.stats.handled + drain.stats.parked > 0
        return moved

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        with clock.frozen(clock.now() + timedelta(seconds=seconds)):
            yield

    def heal(self) -> None:
        """Take the poison away and let every retry fall due."""
        self.poisons.clear()
        with self.later(4000):
            self.settle()

    # --- asking ---------------------------------------------------------------------------------

    def violated(self, *, at_rest: bool = True) -> set[str]:
        return names(self.violations(at_rest=at_rest))

    def violations(self, *, at_rest: bool = True) -> list[str]:
        return violations(self, at_rest=at_rest)

    def was_poison(self, row: Any) -> bool:
        return row is not None and int(json.loads(row.data).get("n", 0)) in self.poisons.ever

    def position(self, name: str) -> int:
        with self.database.reading() as session:
            return session.scalar(select(consumer.c.position).where(consumer.c.name == name)) or 0

    def parked(self, status: str | None = None) -> Sequence[Any]:
        with self.database.reading() as session:
            query = select(parked).order_by(parked.c.consumer, parked.c.position)
            if status is not None:
                query = query.where(parked.c.status == status)
            return session.execute(query).all()

    def effects(self, name: str) -> int:
        with self.database.reading() as session:
            query = select(func.count()).where(toy.effect.c.consumer == name)
            return session.scalar(query) or 0

    def events(self) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(event_log)) or 0

    def sums(self, name: str) -> dict[str, tuple[int, int]]:
        with self.database.reading() as session:
            rows = session.execute(select(toy.sums).where(toy.sums.c.consumer == name))
            return {row.key: (row.events, row.total) for row in rows}
