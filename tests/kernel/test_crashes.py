"""F1 to F10: wherever it breaks, nothing is lost, doubled or out of order (P1 to P6)."""

import pytest

from tests.kernel import scenarios
from tests.kernel.faults import GROUPS, Break, crash, outage
from tests.kernel.plant import Plant


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("how", [crash, outage])
def test_wherever_it_breaks_nothing_is_lost_or_doubled(
    plant: Plant, group: str, how: Break
) -> None:
    for step in GROUPS[group]:
        if not (how is outage and step.ring):  # an outage at the ring is the bell's own affair
            assert (step.name, scenarios.break_once(plant, step, how)) == (step.name, set())
