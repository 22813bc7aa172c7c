"""Delivery as a state machine: in whatever order things happen, P1 to P5 hold after each step."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, update

from ates.kernel import clock
from ates.kernel.delivery import Storm
from ates.kernel.errors import DatabaseAway
from ates.kernel.log import sequence
from ates.kernel.tables import KERNEL, log_head
from ates.ops import checks, repair
from tests.kernel import toy
from tests.kernel.faults import STEPS, Away, Crash, breaking, crash, outage
from tests.kernel.plant import Plant

THINGS = st.integers(1, 4)
CONSUMERS = st.sampled_from(["direct", "bulk", "echo"])
POISONS = st.sampled_from(["early", "late", "sql", "hopeless"])


class Delivery(RuleBasedStateMachine):
    """The plant as a person at 3 a.m. may meet it."""

    plant: Plant

    def __init__(self) -> None:
        super().__init__()
        self.context = self.plant.app.app_context()
        self.context.push()
        self.frozen: Any = None
        self.moment = clock.now()

    @initialize()
    def empty(self) -> None:
        """A database of its own for each example would take most of the time."""
        with self.plant.database.transaction() as session:
            for table in (*toy.Base.metadata.sorted_tables, *KERNEL.sorted_tables):
                if table is not log_head:
                    session.execute(delete(table))
            session.execute(update(log_head).values(position=0))
        self.plant.seen.clear()
        self.plant.poisons.clear()
        self.plant.begin()
        self._move_clock(0)

    def teardown(self) -> None:
        try:
            self.plant.heal()
            self._decide_all()
            self.plant.heal()
            assert self.plant.violations() == []
            assert not [row for row in self.plant.parked() if row.status != "skipped"]
            self._same_sums()
        finally:
            self._move_clock(None)
            self.context.pop()

    # --- what happens ---------------------------------------------------------------------------

    @rule(thing=THINGS, poison=st.none() | POISONS)
    def publish(self, thing: int, poison: str | None) -> None:
        self.plant.bump(thing, poison=poison or "")

    @rule(count=st.integers(1, 40))
    def publish_many(self, count: int) -> None:
        self.plant.bump_many(count, things=4)

    @rule(thing=THINGS)
    def whisper(self, thing: int) -> None:
        with self.plant.database.transaction() as session:
            toy.whisper(session, thing)

    @rule(thing=THINGS)
    def take_back(self, thing: int) -> None:
        with suppress(Crash), self.plant.database.transaction() as session:
            toy.bump(session, thing, 999_999)
            raise Crash

    @rule()
    def number(self) -> None:
        sequence(self.plant.database)

    @rule(name=CONSUMERS, size=st.sampled_from([1, 2, 7, 500]))
    def drain(self, name: str, size: int) -> None:
        with suppress(Storm):
            self.plant.drain(name, size).run()

    @rule(name=CONSUMERS, size=st.sampled_from([1, 3, 500]))
    def one_batch(self, name: str, size: int) -> None:
        with suppress(Storm):
            self.plant.drain(name, size).batch()

    @rule()
    def antidote(self) -> None:
        self.plant.poisons.clear()

    @rule(seconds=st.sampled_from([1, 5, 60, 1200]))
    def time_passes(self, seconds: int) -> None:
        self._move_clock(seconds)

    @rule(
        step=st.sampled_from(sorted(STEPS)),
        name=CONSUMERS,
        how=st.sampled_from([crash, outage]),
        thing=THINGS,
    )
    def breaks(self, step: str, name: str, how: Callable[[], None], thing: int) -> None:
        with (
            breaking(self.plant.database, STEPS[step], how),
            suppress(Crash, Away, DatabaseAway, Storm),
        ):
            self.plant.bump(thing)
            self.plant.drain(name).run()

    # --- what a person decides ------------------------------------------------------------------

    @rule(which=st.integers(0, 5))
    def skip(self, which: int) -> None:
        with self.plant.database.transaction() as session:
            for head in repair.heads(session)[which : which + 1]:
                repair.skip(session, head, by="a test", reason="it will never be handled")

    @rule()
    def again(self) -> None:
        with self.plant.database.transaction() as session:
            repair.again(session, repair.heads(session), by="a test")

    @rule(name=CONSUMERS, ahead=st.integers(1, 3))
    def park(self, name: str, ahead: int) -> None:
        with suppress(LookupError):
            position = self.plant.position(name) + ahead
            repair.set_aside(
                self.plant.database, name, position, by="a test", reason="it kills its process"
            )

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def nothing_is_violated(self) -> None:
        assert self.plant.violations(at_rest=False) == []

    def _move_clock(self, seconds: int | None) -> None:
        if self.frozen is not None:
            self.frozen.__exit__(None, None, None)
            self.frozen = None
        if seconds is not None:
            self.moment += timedelta(seconds=seconds)
            self.frozen = clock.frozen(self.moment)
            self.frozen.__enter__()

    def _decide_all(self) -> None:
        with self.plant.database.transaction() as session:
            repair.again(session, repair.heads(session), by="a test")

    def _same_sums(self) -> None:
        """The read model is what its effects say (P8)."""
        with self.plant.database.reading() as session:
            found: dict[str, tuple[int, int]] = {}
            for row in session.execute(select(toy.effect).where(toy.effect.c.consumer == "bulk")):
                events, total = found.get(row.key, (0, 0))
                found[row.key] = (events + 1, total + row.n)
        assert self.plant.sums("bulk") == found
        assert checks.verify(self.plant.database)[1] == []


def _run(url: str, examples: int, steps: int) -> None:
    plant = Plant(url)
    machine = type("Machine", (Delivery,), {"plant": plant})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate],  # shrinking an example of databases takes minutes
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        plant.close()


def test_delivery_holds_whatever_happens(database_url: str, backend: str) -> None:
    _run(database_url, examples=12 if backend == "sqlite" else 6, steps=20)


@pytest.mark.proof
@pytest.mark.timeout(400)
def test_delivery_holds_whatever_happens_for_long(database_url: str) -> None:
    _run(database_url, examples=80, steps=40)
