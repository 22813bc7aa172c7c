"""A process that kills itself with SIGKILL at a named step, or stops itself there for a while."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from tests.kernel import scenarios
from tests.kernel.faults import STEPS, breaking, kill
from tests.kernel.plant import Plant

# A fork server: real processes without connections of ours, and the imports are done once.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def stop() -> None:
    """Freeze this process, as a debugger or a swapped-out machine does."""
    os.kill(os.getpid(), signal.SIGSTOP)


HOW: dict[str, Callable[[], None]] = {"kill": kill, "stop": stop}


def run(url: str, step: str, how: str, poisoned: dict[int, str], n: int) -> None:
    """The work of `scenarios.work`, which meets the fault at `step`."""
    plant = Plant(url, echo=False)
    plant.poisons.now.update(poisoned)
    plant.n = n
    with plant.app.app_context(), breaking(plant.database, STEPS[step], HOW[how]):
        scenarios.work(plant, STEPS[step])


def start(plant: Plant, step: str, how: str = "kill") -> BaseProcess:
    """Start a victim on the plant's database."""
    process = _processes.Process(
        target=run, args=(plant.url, step, how, dict(plant.poisons.now), plant.n + 1000)
    )
    process.start()
    return process
