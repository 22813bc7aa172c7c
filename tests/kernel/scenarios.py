"""What is done to a plant while it breaks; each scenario returns the names of what was violated."""

from contextlib import suppress

from ates.kernel.errors import DatabaseAway
from ates.kernel.log import sequence
from tests.kernel.faults import CAREFUL, RETRY, Away, Break, Crash, Step, breaking
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
