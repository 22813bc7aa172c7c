"""A process that drains accounting as a worker does, and tells how long it took.

`python -m bench.worker FOLDER` reads an address a line and answers each with seconds.
"""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO

from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from bench.places import opened


class Worker:
    """The other end of such a process, which lives for several databases."""

    def __init__(self, ask: IO[str], answer: IO[str]) -> None:
        self.ask, self.answer = ask, answer

    def seconds(self, url: str) -> float:
        """How long accounting's drain of all that is in this database takes."""
        print(url, file=self.ask, flush=True)
        return float(self.answer.readline())


@contextmanager
def working(data: Path) -> Iterator[Worker]:
    """A worker with a memory of its own: that of the bench is full of rows of the bare driver."""
    words = [sys.executable, "-m", "bench.worker", str(data)]
    with Popen(words, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Worker(process.stdin, process.stdout)
        process.stdin.close()


def drain_log(drain: Drain) -> None:
    """Everything in the log, batch by batch, always of the same size; nothing is sequenced."""
    while drain.batch():
        drain.stats.size = 500


def _seconds(url: str, data: Path) -> float:
    with opened(url, data) as app:
        database: Database = app.extensions["ates.database"]
        drain = Drain(database, app.extensions["ates.inboxes"]["accounting"])
        gc.collect()
        gc.freeze()  # as kernel.worker does
        started = time.perf_counter()
        drain_log(drain)
        taken = time.perf_counter() - started
        assert drain.stats.parked == 0, "the events are good"
    return taken


if __name__ == "__main__":
    for line in sys.stdin:
        print(_seconds(line.strip(), Path(sys.argv[1])), flush=True)
