"""F1 to F10: wherever it breaks, nothing is lost, doubled or out of order (P1 to P6)."""

import pytest

from tests.kernel import scenarios
from tests.kernel.faults import STEPS, crash, outage
from tests.kernel.plant import Plant


@pytest.mark.parametrize("name", STEPS)
def test_a_crash_at_any_step_loses_and_doubles_nothing(plant: Plant, name: str) -> None:
    assert scenarios.break_once(plant, STEPS[name], crash) == set()


@pytest.mark.parametrize("name", [name for name in STEPS if "F3" not in name])
def test_an_outage_at_any_step_parks_nothing(plant: Plant, name: str) -> None:
    assert scenarios.break_once(plant, STEPS[name], outage) == set()
