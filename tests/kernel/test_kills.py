"""kill -9 at every step of the algorithms, in processes of their own (P1 to P6)."""

import signal

import pytest

from tests.kernel import scenarios, victim
from tests.kernel.faults import GROUPS
from tests.kernel.plant import Plant


@pytest.mark.parametrize("group", GROUPS)
def test_kill_9_at_any_step_loses_and_doubles_nothing(quiet_plant: Plant, group: str) -> None:
    plant = quiet_plant
    for step in GROUPS[group]:
        scenarios.prepare(plant, step)
        process = victim.start(plant, step.name)
        process.join(20)
        assert process.exitcode == -signal.SIGKILL, step.name
        found = plant.violated(at_rest=False)
        plant.n += 2000
        plant.settle()
        assert (step.name, found | plant.violated()) == (step.name, set())
        if plant.poisons.now:
            plant.heal()
            assert plant.violated() == set()
