"""Where it breaks and how: the product has no hooks, so the steps of its algorithms are wrapped."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from ates.kernel import bus, delivery, log, outbox, parking
from ates.kernel.db import Database
from ates.kernel.delivery import Drain

Break = Callable[[], None]


class Crash(BaseException):
    """The process is gone, as far as it can tell: nobody catches this."""


class Away(ConnectionError):
    """The surroundings are away for a moment: an outage."""


def crash() -> None:
    raise Crash


def outage() -> None:
    raise Away


def kill() -> None:
    """kill -9 of this very process, for victims."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Step:
    """A place in the algorithms of events.md, chapter 5: a function, before or after it ran."""

    name: str
    owner: Any
    attribute: str
    after: bool = False
    call: int = 1  # it breaks at this call, once
    commit: str = ""  # "before" or "after": the answer of the COMMIT that follows is lost

    @property
    def ring(self) -> bool:
        return self.attribute == "_ring"


# The whole of chapter 5, in the order in which an event meets it.
PRODUCER = [
    Step("F1 before the staging insert", outbox, "store"),
    Step("F2 before the producer's commit", outbox, "store", after=True),
    Step("F2 the producer's commit is not done", outbox, "store", after=True, commit="before"),
    Step("F2 the producer's commit is unknown", outbox, "store", after=True, commit="after"),
    Step("F3 before the ring", outbox, "_ring"),
]
SEQUENCER = [
    Step("F4 sequencer before its insert", log._Move, "_move"),
    Step("F4 sequencer between insert and delete", log, "delete"),
    Step("F4 sequencer after its insert", log._Move, "_move", after=True),
    Step("F5 sequencer before its commit", log._Move, "_finish", after=True),
    Step("F5 sequencer's commit is not done", log._Move, "_finish", after=True, commit="before"),
    Step("F5 sequencer's commit is unknown", log._Move, "_finish", after=True, commit="after"),
]
DRAIN = [
    Step("F6 drain has taken", Drain, "take", after=True),
    Step("F6 drain after the flush", Drain, "apply", after=True),
    Step("F7 drain before the position", Drain, "move"),
    Step("F7 drain after the position", Drain, "move", after=True),
    Step("F8 drain's commit is not done", Drain, "move", after=True, commit="before"),
    Step("F8 drain's commit is unknown", Drain, "move", after=True, commit="after"),
]
CAREFUL = [
    Step("F9 halving, first half done", delivery._Care, "attempt", after=True, call=1),
    Step("F9 halving, deeper", delivery._Care, "attempt", after=True, call=3),
    Step("F9 before a culprit is parked", parking, "park"),
    Step("F9 after a culprit is parked", parking, "park", after=True),
    Step("F9 after the rest is blocked", Drain, "block", after=True),
]
RETRY = [
    Step("F10 retry before the first event", Drain, "apply"),
    Step("F10 retry between two events", Drain, "apply", after=True),
    Step("F10 retry after the second", Drain, "apply", after=True, call=2),
    Step("F10 retry's commit is unknown", parking, "retry", after=True, commit="after"),
]
GROUPS = {
    "producer": PRODUCER,
    "sequencer": SEQUENCER,
    "drain": DRAIN,
    "careful": CAREFUL,
    "retry": RETRY,
}
STEPS = {step.name: step for group in GROUPS.values() for step in group}


@contextmanager
def replaced(owner: Any, attribute: str, made: Any) -> Iterator[None]:
    """`owner.attribute` is `made` within the block; the outbox is also blinker's receiver."""
    original = getattr(owner, attribute)
    receiver = owner is outbox and attribute == "store"
    if receiver:
        bus.published.disconnect(original)
        bus.published.connect(made, weak=False)
    setattr(owner, attribute, made)
    try:
        yield
    finally:
        setattr(owner, attribute, original)
        if receiver:
            bus.published.disconnect(made)
            bus.published.connect(original, weak=False)


@contextmanager
def breaking(database: Database, step: Step, how: Break) -> Iterator[list[str]]:
    """Within the block the step breaks once; the list tells whether it did."""
    original, calls, broke = getattr(step.owner, step.attribute), [0], list[str]()
    armed = list[str]()

    def strike() -> None:
        broke.append(step.name)
        how()

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not step.after:
            calls[0] += 1
            if calls[0] == step.call:
                strike()
            return original(*args, **kwargs)
        answer = original(*args, **kwargs)  # only calls that came back count
        calls[0] += 1
        mine = calls[0] == step.call
        if mine and not step.commit:
            strike()
        if mine and step.commit:
            armed.append(step.commit)
        return answer

    with ExitStack() as stack:
        stack.enter_context(replaced(step.owner, step.attribute, wrapped))
        if step.commit:
            stack.enter_context(_commit_lost(database, armed, broke, how))
        yield broke


@contextmanager
def _commit_lost(
    database: Database, armed: list[str], broke: list[str], how: Break
) -> Iterator[None]:
    """The armed COMMIT loses its connection before it is sent, or after it was done."""
    dialect: Any = database.engine.dialect
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        if not armed:
            commit(connection)
            return
        moment = armed.pop()
        if moment == "after":
            commit(connection)
        broke.append(moment)
        if how is kill:
            kill()
        if not database.is_sqlite:
            connection.driver_connection.pgconn.finish()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        if moment == "before":
            connection.rollback()
        lost = sqlite3.OperationalError("disk I/O error")
        lost.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise lost

    dialect.do_commit = do_commit
    try:
        yield
    finally:
        del dialect.do_commit
