"""Scenarios of concurrency, poison and outages: what must hold, holds (P1 to P6, P9)."""

from collections.abc import Callable

import pytest

from tests.kernel import scenarios
from tests.kernel.plant import Plant

Scenario = Callable[[Plant], set[str]]
BOTH: list[Scenario] = [
    scenarios.away,
    scenarios.two_drains,
    scenarios.two_sequencers,
    scenarios.taken_back,
    scenarios.hole,
    scenarios.lost_ring,
]
# Writers side by side: SQLite has one.
POSTGRESQL: list[Scenario] = [
    scenarios.late_commit,
    scenarios.crossed,
    scenarios.guessed,
    scenarios.question,
]


@pytest.mark.parametrize("scenario", BOTH)
def test_nothing_is_violated(plant: Plant, scenario: Scenario) -> None:
    assert scenario(plant) == set()


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("scenario", POSTGRESQL)
def test_nothing_is_violated_by_writers_side_by_side(plant: Plant, scenario: Scenario) -> None:
    assert scenario(plant) == set()


@pytest.mark.parametrize("how", ["early", "late", "sql", "hopeless"])
def test_poison_blocks_only_its_stream(plant: Plant, how: str) -> None:
    if how == "hopeless":
        plant.bump(2, poison=how)
        plant.bump_many(10)
        plant.settle()
        assert plant.violated() == set()
        assert {row.status for row in plant.parked()} == {"dead", "blocked"}
    else:
        assert scenarios.poisoned(plant, how) == set()
