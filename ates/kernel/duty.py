"""Duties: work that a part finds in its own tables, done in steps, each one transaction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask, current_app, has_app_context
from sqlalchemy.orm import Session

from ates.kernel import clock, db
from ates.kernel.db import Database

SECONDS = 2.0  # at a stretch: what the steps say wants to be heard meanwhile


@dataclass(frozen=True)
class Duty:
    """A long act in pieces, each committed with the mark of how far it came.

    A kill costs one piece. Nothing remembers the work but the part's own rows, so the sweep finds
    what no ring told. Two workers may call `step` at once: it takes a lock or finds nothing to do.
    """

    name: str  # "tasks.shuffle"
    due: Callable[[Session], bool]  # in a snapshot: whether there is anything to do
    step: Callable[[Session], bool]  # one piece; False: nothing is left that this worker can do


def init_app(app: Flask, duties: Iterable[Duty]) -> None:
    app.extensions["ates.duties"] = {duty.name: duty for duty in duties}


def ask(session: Session, name: str) -> None:
    """After the commit wake a worker for this duty. May be lost: the sweep looks each second."""
    db.after_commit(session, name, lambda: _ring(name))


def attend(
    database: Database,
    duty: Duty,
    *,
    seconds: float = SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Do steps until none is left or the time is over; whether work is left."""
    with database.reading() as session:
        if not duty.due(session):
            return False
    until = clock.monotonic() + seconds
    while not stop():
        with database.transaction() as session:
            if not duty.step(session):
                return False
        if clock.monotonic() >= until:
            break
        if database.is_sqlite:
            clock.sleep(0.005)  # one writer: give waiting requests their turn
    return True


def _ring(name: str) -> None:
    if has_app_context():
        current_app.extensions["ates.bell"].ring([name], job="attend")
