"""A proof that cannot fail proves nothing: each planted fault turns its property red."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.engines import run
from tests.kernel import bell, controls, power, scenarios
from tests.kernel.faults import STEPS, Step, crash
from tests.kernel.plant import Plant

pytestmark = pytest.mark.proof

Control = Callable[[], AbstractContextManager[None]]
Scenario = Callable[[Plant], set[str]]


def crash_at(step: Step) -> Scenario:
    return partial(scenarios.break_once, step=step, how=crash)


LATE_STORE = Step("F2 between two transactions", controls, "insert_late")

BOTH: list[tuple[str, Control, Scenario]] = [
    ("P4", controls.position_before_the_effect, crash_at(STEPS["F6 drain after the flush"])),
    (
        "P4",
        controls.position_in_a_second_transaction,
        crash_at(STEPS["F7 drain before the position"]),
    ),
    ("P4", controls.no_consumer_lock, scenarios.two_drains),
    ("P4", controls.no_savepoint, scenarios.poisoned),
    ("P4", controls.no_parking, scenarios.poisoned),
    ("P5", controls.blocked_events_pass, scenarios.poisoned),
    ("P2", controls.sequencer_without_lock, scenarios.two_sequencers),
    ("P1", controls.store_in_another_transaction, crash_at(LATE_STORE)),
    ("P1", controls.events_in_memory, scenarios.taken_back),
    ("P6", controls.no_sweep, scenarios.lost_ring),
    ("P5", controls.outages_parked, scenarios.away),
    ("P3", controls.no_gap_check, scenarios.hole),
]
# Faults that only writers side by side can show.
POSTGRESQL: list[tuple[str, Control, Scenario]] = [
    ("P6", controls.staging_read_by_seq, scenarios.late_commit),
    ("P3", controls.order_by_xid, scenarios.crossed),
    ("P3", controls.store_before_the_flush, scenarios.guessed),
    ("P9", controls.unhandled_in_two_statements, scenarios.question),
]


def _name(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("broken", "control", "scenario"), BOTH, ids=_name)
def test_a_planted_fault_is_found(
    plant: Plant, broken: str, control: Control, scenario: Scenario
) -> None:
    with control():
        assert broken in scenario(plant)


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize(("broken", "control", "scenario"), POSTGRESQL, ids=_name)
def test_a_planted_fault_of_writers_side_by_side_is_found(
    plant: Plant, broken: str, control: Control, scenario: Scenario
) -> None:
    with control():
        assert broken in scenario(plant)


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize(
    "control", [controls.flag_deleted_after_the_drain, controls.unique_jobs], ids=_name
)
def test_a_planted_fault_of_the_wake_up_is_found(
    plant: Plant, redis_url: str, control: Control
) -> None:
    with control():
        assert bell.rung_during_the_drain(plant, redis_url) == {"P7"}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_normal_is_found_to_forget(plant: Plant, tmp_path: Path) -> None:
    """WAL with synchronous=NORMAL acknowledges what a power cut takes away."""
    if shutil.which("strace") is None:
        run.missing("strace, which shows what reaches the disk,")
    assert power.forgotten(plant.url, tmp_path) == set()
    assert power.forgotten(plant.url, tmp_path, normal=True) == {"saved"}
