"""What is done to a plant while it breaks; each scenario returns the names of what was violated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from threading import Event, Thread, current_thread
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, make_transient_to_detached

from ates.kernel import clock, lag, log
from ates.kernel.bus import publish
from ates.kernel.delivery import Drain
from ates.kernel.errors import Conflict, DatabaseAway
from ates.kernel.log import sequence
from ates.kernel.sweep import EventSweep
from ates.kernel.tables import consumer, event_log
from tests.kernel import toy
from tests.kernel.faults import CAREFUL, RETRY, Away, Break, Crash, Step, breaking, replaced
from tests.kernel.plant import Plant


def break_once(plant: Plant, step: Step, how: Break) -> set[str]:
    """Work meets the fault at `step`, then goes on as if nothing had been: all must hold."""
    prepare(plant, step)
    with breaking(plant.database, step, how) as broke, suppress(Crash, Away, DatabaseAway):
        work(plant, step)
    assert broke, f"nothing met {step.name}"
    found = plant.violated(at_rest=False)
    plant.settle()
    found |= plant.violated()
    if step in CAREFUL or step in RETRY:
        plant.heal()
        found |= plant.violated()
    return found


def prepare(plant: Plant, step: Step) -> None:
    """Bring the plant to where `step` is next."""
    plant.bump_many(8)
    if step in CAREFUL:
        plant.bump(2, poison="late")
        plant.bump_many(8)
    if step in RETRY:
        plant.bump(2, poison="late")
        for _ in range(3):
            plant.bump(2)
        plant.settle()
        plant.poisons.clear()


def work(plant: Plant, step: Step) -> None:
    """One producer and one consumer, straight through the step."""
    if step in RETRY:
        with plant.later(60):
            plant.drain("direct").retry()
        return
    plant.bump(3)
    sequence(plant.database)
    plant.drain("direct").run()


def poisoned(plant: Plant, how: str = "late") -> set[str]:
    """One event of many fails: its stream waits, all others flow, nothing is left of attempts."""
    plant.bump_many(20)
    plant.bump(2, poison=how)
    plant.bump_many(20)
    plant.settle()
    found = plant.violated()
    plant.bump_many(10)
    plant.settle()
    found |= plant.violated()
    plant.heal()
    return found | plant.violated()


def away(plant: Plant) -> set[str]:
    """The surroundings are away while a handler works: nothing is parked, all comes later."""
    plant.bump_many(10)
    plant.poisons.add(plant.n, "outage")
    plant.settle()
    found = plant.violated(at_rest=False)
    plant.poisons.clear()
    plant.settle()
    return found | plant.violated()


def two_drains(plant: Plant) -> set[str]:
    """A second worker begins while the first is between its effects and its commit."""
    plant.bump_many(20)
    sequence(plant.database)
    with _side_by_side(Drain, "apply", plant.drain("direct").run) as meanwhile:
        meanwhile(plant.drain("direct").run)
    plant.settle()
    return plant.violated()


def two_sequencers(plant: Plant) -> set[str]:
    """A second sequencer works while the first has read and not yet numbered."""
    plant.bump_many(20)

    def second() -> None:
        log.sequence(plant.database)
        plant.bump_many(5)
        log.sequence(plant.database)

    with _side_by_side(log._Move, "_read", partial(log.sequence, plant.database)) as meanwhile:
        meanwhile(second)
    plant.settle()
    return plant.violated()


def late_commit(plant: Plant) -> set[str]:
    """A transaction that drew its `seq` first commits last (PostgreSQL: writers side by side)."""
    plant.settle()
    with plant.database.transaction() as slow:
        toy.bump(slow, 1, 901)
        plant.bump(2)
        plant.settle()
    plant.settle()
    return plant.violated()


def crossed(plant: Plant) -> set[str]:
    """The transaction that began first says a stream's second event (PostgreSQL)."""
    with plant.database.transaction() as early:
        toy.bump(early, 7, 902)  # it has its transaction id now
        plant.bump(1)
        toy.bump(early, 1, 903)
    plant.settle()
    return plant.violated()


def guessed(plant: Plant) -> set[str]:
    """A writer goes ahead with a number it guessed, before the one it follows (PostgreSQL)."""
    plant.bump(1)
    with suppress(Conflict), plant.database.transaction() as hasty:
        thing = toy.Thing(id=toy.thing_id(1), said=2, total=1)
        make_transient_to_detached(thing)
        hasty.add(thing)
        version = thing.next_version()
        publish(hasty, toy.Bumped(thing_id=thing.id, key_version=version, n=904))
        plant.bump(1)  # the event it should have waited for
    plant.settle()
    return plant.violated()


def taken_back(plant: Plant) -> set[str]:
    """A savepoint is rolled back with what was said in it; the transaction goes on."""
    with plant.database.transaction() as session:
        toy.bump(session, 1, 905)
        with suppress(Away), session.begin_nested():
            toy.bump(session, 2, 906)
            raise Away
        toy.bump(session, 3, 907)
    plant.settle()
    return plant.violated()


def hole(plant: Plant) -> set[str]:
    """The log loses an event: the consumers stop rather than go on without it.

    P1, P2 and P6 are the loss itself; what the consumers make of it is asked here.
    """
    for _ in range(3):
        plant.bump(1)
    sequence(plant.database)
    with plant.database.transaction() as session:
        session.execute(delete(event_log).where(event_log.c.position == 2))
    plant.settle()
    found = plant.violated() & {"P3", "P4", "P5"}
    with plant.database.reading() as session:
        modes = set(session.scalars(select(consumer.c.mode)))
    return found or ({"P2"} if modes != {"paused"} else set())


def question(plant: Plant) -> set[str]:
    """Somebody asks what is unhandled while the sequencer moves it (PostgreSQL)."""
    plant.bump(1)
    after = clock.now() + timedelta(seconds=1)
    with plant.database.session("write") as session, session.begin():
        asked = Session.execute

        def execute(self: Session, *args: Any, **kwargs: Any) -> Any:
            answer = asked(self, *args, **kwargs)
            if self is session:
                sequence(plant.database)
            return answer

        with replaced(Session, "execute", execute):
            waiting = lag.unhandled_before(session, "direct", after).waiting
    found = {"P9"} if waiting == 0 else set()
    plant.settle()
    return found | plant.violated()


def lost_ring(plant: Plant) -> set[str]:
    """Nobody was woken: one look of the sweep delivers everything."""
    plant.bump_many(10)
    look = EventSweep(plant.database, list(plant.inboxes.values()))
    for _ in range(3):
        look()
    return plant.violated()


@contextmanager
def _side_by_side(
    owner: Any, attribute: str, first: Callable[[], object]
) -> Iterator[Callable[[Callable[[], object]], None]]:
    """`first` runs in a thread and waits after `attribute`; the block's call runs beside it."""
    original, reached, done = getattr(owner, attribute), Event(), Event()
    thread = Thread(target=first, daemon=True)

    def slow(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        if current_thread() is thread and not reached.is_set():
            reached.set()
            done.wait(0.4)
        return answer

    def meanwhile(act: Callable[[], object]) -> None:
        act()
        done.set()

    with replaced(owner, attribute, slow):
        thread.start()
        assert reached.wait(5), f"nobody came to {attribute}"
        yield meanwhile
        thread.join(10)
