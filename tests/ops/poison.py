"""Events that a part cannot handle, and the fix of the part's code."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from ates.kernel import clock, delivery, ids
from ates.kernel.db import Database
from ates.kernel.inbox import Inbox
from ates.kernel.tables import event_log, outbox, parked
from ates.tasks import service
from ates.tasks.titles import Wording
from tests.engines.people import sign_in


class Broken(Exception):
    """What the handler says while its code is wrong."""


@contextmanager
def broken(app: Flask, consumer: str, *, say: str = "no price for 17") -> Iterator[None]:
    """While this lasts, `consumer` fails with each event about a task."""
    inbox: Inbox = app.extensions["ates.inboxes"][consumer]
    handlers = inbox.handlers

    def wrong() -> Any:
        def fail(_unit: Any, _event: Any) -> None:
            raise Broken(say)

        return {
            name: fail if name.startswith("tasks.") else handler
            for name, handler in handlers().items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inbox, "handlers", lambda self: wrong() if self is inbox else handlers())
        yield


def write_tasks(app: Flask, count: int = 1) -> None:
    """Somebody writes tasks down; two events each."""
    if not app.extensions.get("tests.author"):
        app.extensions["tests.author"] = sign_in(app, "employee").person
        drain(app)
    with app.app_context(), app.extensions["ates.database"].transaction() as session:
        for number in range(count):
            wording = Wording(f"Count the parrots {number}", None, None)
            service.create_task(session, wording, by=app.extensions["tests.author"])


def drain(app: Flask, consumer: str | None = None) -> None:
    """Deliver once, what fails is parked."""
    database: Database = app.extensions["ates.database"]
    inboxes = app.extensions["ates.inboxes"]
    with app.app_context():
        for name in [consumer] if consumer else list(inboxes):
            delivery.Drain(database, inboxes[name]).run()


def parked_at(app: Flask, consumer: str) -> list[Any]:
    """The parked rows of a consumer with their events' ids, oldest first."""
    with app.extensions["ates.database"].reading() as session:
        return list(
            session.execute(
                select(parked, event_log.c.event_id)
                .join(
                    event_log,
                    (event_log.c.log == parked.c.log) & (event_log.c.position == parked.c.position),
                )
                .where(parked.c.consumer == consumer)
                .order_by(parked.c.position)
            )
        )


def hold_one(app: Flask) -> int:
    """Stage a second event under a number of its stream that is taken. Its place in staging."""
    with app.extensions["ates.database"].transaction() as session:
        row = session.execute(select(event_log).order_by(event_log.c.position)).first()
        assert row is not None
        made = session.execute(
            outbox.insert()
            .values(
                event_id=ids.new(),
                held="number 1 of this stream is taken",
                **{
                    name: row._mapping[name]
                    for name in (
                        *("source", "type", "version", "key", "key_version"),
                        *("occurred_at", "data", "meta"),
                    )
                },
            )
            .returning(outbox.c.seq)
        )
        return int(made.scalar_one())


def pause(app: Flask, consumer: str) -> None:
    """As the kernel does when it finds a hole."""
    inbox = app.extensions["ates.inboxes"][consumer]
    delivery.Drain(app.extensions["ates.database"], inbox).pause("the log has a hole after 3")


def put_off(app: Flask) -> None:
    """The next tries by themselves are an hour away: a slow machine must not see them."""
    with app.extensions["ates.database"].transaction() as session:
        later = clock.now() + timedelta(hours=1)
        session.execute(update(parked).where(parked.c.status == "retry").values(next_at=later))
