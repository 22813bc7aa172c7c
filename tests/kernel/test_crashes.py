"""F1 to F10: wherever it breaks, nothing is lost, doubled or out of order (P1 to P6)."""

import pytest

from tests.kernel import scenarios
from tests.kernel.faults import GROUPS, Break, crash, outage
from tests.kernel.plant import Plant

each_group = pytest.mark.parametrize("group", GROUPS)


def break_all(plant: Plant, group: str, how: Break) -> None:
    for step in GROUPS[group]:
        if not (how is outage and step.ring):  # an outage at the ring is the bell's own affair
            assert (step.name, scenarios.break_once(plant, step, how)) == (step.name, set())


@each_group
def test_wherever_it_crashes_nothing_is_lost_or_doubled(quiet_plant: Plant, group: str) -> None:
    break_all(quiet_plant, group, crash)


@each_group
@pytest.mark.parametrize("backend", ["sqlite"])
def test_an_outage_anywhere_parks_nothing(quiet_plant: Plant, group: str) -> None:
    break_all(quiet_plant, group, outage)


@each_group
@pytest.mark.proof
@pytest.mark.parametrize("backend", ["postgresql"])
def test_an_outage_anywhere_of_postgresql_parks_nothing(quiet_plant: Plant, group: str) -> None:
    break_all(quiet_plant, group, outage)
