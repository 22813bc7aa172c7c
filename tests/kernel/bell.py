"""A plant with a real Redis: its bell, and a worker in this process or in one of its own."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

import redis
from flask import current_app

from ates.kernel import outbox, worker
from ates.kernel.delivery import Drain
from ates.kernel.sweep import EventSweep, Sweep
from tests.kernel.faults import replaced
from tests.kernel.plant import Plant

_processes = multiprocessing.get_context("forkserver")


def hang(plant: Plant, url: str) -> worker.Bell:
    """Give the plant a bell."""
    worker.init_app(plant.app, url)
    outbox.init_app(plant.app, worker.ring_types)
    bell = plant.app.extensions["ates.bell"]
    assert isinstance(bell, worker.Bell)
    return bell


def serve(url: str, redis_url: str, sweeping: bool) -> None:
    """What `flask worker events` does, until SIGTERM."""
    plant = Plant(url)
    hang(plant, redis_url)
    look: Callable[[], None] = lambda: None  # noqa: E731 - typed, unlike a bare lambda argument
    if sweeping:
        look = EventSweep(plant.database, list(plant.inboxes.values()))
    with plant.app.app_context():
        worker.work(plant.app, worker.EVENTS, Sweep(plant.app, look))


def start(plant: Plant, redis_url: str, *, sweeping: bool = True) -> BaseProcess:
    process = _processes.Process(target=serve, args=(plant.url, redis_url, sweeping))
    process.start()
    return process


def stop(process: BaseProcess, seconds: float = 5) -> bool:
    """SIGTERM; whether it ended in time."""
    process.terminate()
    process.join(seconds)
    ended = process.exitcode is not None
    if not ended:
        process.kill()
        process.join()
    return ended


def healed(plant: Plant, seconds: float) -> float:
    """How long it took until nothing was violated; raises if it takes longer than allowed."""
    began = time.monotonic()
    while plant.violated():
        assert time.monotonic() - began < seconds, plant.violations()
        time.sleep(0.05)
    return time.monotonic() - began


def burst(redis_url: str) -> None:
    """Work off what is queued, in this process, without a sweep."""
    connection = worker.client(redis_url, seconds=None)
    current_app.extensions["ates.worker_redis"] = connection
    worker.Worker(worker.EVENTS, connection).work(burst=True, logging_level="CRITICAL")
    connection.close()


def waiting(redis_url: str) -> int:
    """How many jobs are queued."""
    with redis.Redis.from_url(redis_url) as connection:
        return int(worker._queue(worker.EVENTS, connection).count)


def rung_during_the_drain(plant: Plant, redis_url: str) -> set[str]:
    """Something is committed after the job has read everything: its own ring delivers it (P7)."""
    hang(plant, redis_url)
    run, once = Drain.run, [True]

    def and_more(self: Drain, *args: object, **kwargs: object) -> str:
        answer = run(self, *args, **kwargs)  # type: ignore[arg-type]
        if self.name == "direct" and once:
            once.clear()
            plant.bump(2)
        return answer

    with replaced(Drain, "run", and_more):
        plant.bump(1)
        burst(redis_url)
    return {"P7"} if plant.violated() else set()
