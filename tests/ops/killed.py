"""A process that rebuilds analytics and kills itself with SIGKILL inside a transaction."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any
from unittest import mock

from ates.analytics.handlers import inbox
from ates.kernel import generations
from ates.kernel.db import WORK, Database
from ates.kernel.delivery import Drain
from ates.kernel.rebuild import Rebuild

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])

# Where it dies, after the step's statements and before the commit.
STEPS: dict[str, tuple[Any, str]] = {
    "the new generation": (Rebuild, "_make"),
    "a batch": (Drain, "move"),
    "the swap": (Rebuild, "_mode"),
    "clearing away": (generations, "delete_some"),
}


def start(url: str, step: str) -> BaseProcess:
    """Begin, fill, swap and clear away; killed at a step, or never."""
    process = _processes.Process(target=_run, args=(url, step))
    process.start()
    return process


def _run(url: str, step: str) -> None:
    rebuild = Rebuild(Database(url, WORK, unsafe=True), inbox)
    if not step:
        _work(rebuild)
        return
    place, name = STEPS[step]
    with mock.patch.object(place, name, _deadly(getattr(place, name))):
        _work(rebuild)


def _work(rebuild: Rebuild) -> None:
    with rebuild.database.reading() as session:
        begun = generations.live(session, rebuild.base) != rebuild.base
    if not begun:
        rebuild.begin()
        rebuild.swap()
    while rebuild.clear():
        pass


def _deadly(step: Callable[..., Any]) -> Callable[..., Any]:
    def die(*args: Any, **more: Any) -> Any:
        step(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return die
