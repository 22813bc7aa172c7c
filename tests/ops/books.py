"""A log with a ledger in it, said as accounting says it, and what analytics makes of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from ates.analytics.models import Base
from ates.kernel.bus import publish_all
from ates.kernel.db import Database
from ates.kernel.generations import number_of
from ates.kernel.tables import consumer
from tests.analytics.make import ARA, BIBI, COCO, FIRST, Ledger, person

PEOPLE = (ARA, BIBI, COCO)


class Author:
    """Says a ledger's events, block by block, in transactions of their own."""

    def __init__(self, app: Flask) -> None:
        self.app, self.ledger = app, Ledger()
        self.database: Database = app.extensions["ates.database"]
        self.said = 0
        self.days = [FIRST + timedelta(days=number) for number in range(5)]
        for day in self.days:
            self.ledger.open(day)
        self.publish([person(each, f"Popug {n}") for n, each in enumerate(PEOPLE)])
        self.say()

    def blocks(self, count: int, entries: int = 3) -> None:
        """`count` blocks of fees and rewards, each one event."""
        for _ in range(count):
            self.block(entries)
        self.say()

    def block(self, entries: int = 3) -> None:
        made = len(self.ledger.entries)
        self.ledger.post(
            *(
                self.ledger.entry(
                    "reward" if number % 3 == 2 else "fee",
                    PEOPLE[number % 3],
                    2500 if number % 3 == 2 else -1100,
                    self.days[number % len(self.days)],
                    number=number,
                )
                for number in range(made, made + entries)
            )
        )

    def say(self) -> None:
        """Publish what the ledger has said since."""
        fresh, self.said = self.ledger.events[self.said :], len(self.ledger.events)
        self.publish(fresh)

    def publish(self, events: Sequence[Any]) -> None:
        with self.app.app_context(), self.database.transaction() as session:
            publish_all(session, list(events))


def figures(database: Database, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything a generation keeps, without its number."""
    with database.reading() as session:
        return {
            table.name: sorted(
                (
                    tuple(value for key, value in row._mapping.items() if key != "generation")
                    for row in session.execute(
                        select(table).where(table.c.generation == number_of(name))
                    )
                ),
                key=str,
            )
            for table in Base.metadata.sorted_tables
        }


def modes(database: Database) -> dict[str, str]:
    """The generations of analytics and what each is."""
    with database.reading() as session:
        rows = session.execute(
            select(consumer.c.name, consumer.c.mode).where(consumer.c.name.startswith("analytics"))
        )
        return {row.name: row.mode for row in rows}
