"""Rings and workers with a real Redis and Valkey, which are killed, emptied, frozen and filled."""

import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import rq
from rq.serializers import JSONSerializer

from ates.kernel import worker
from tests.engines.run import free_port
from tests.engines.wake import WakeServer
from tests.kernel import bell
from tests.kernel.plant import Plant


@pytest.fixture
def backend() -> str:
    """The wake-up is the same on both databases."""
    return "sqlite"


@contextmanager
def frozen(server: WakeServer) -> Iterator[None]:
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_many_commits_are_one_job_a_consumer(plant: Plant, redis_url: str) -> None:
    bell.hang(plant, redis_url)
    for _ in range(20):
        plant.bump(1)
    assert bell.waiting(redis_url) == len(plant.inboxes)
    with redis.Redis.from_url(redis_url) as connection:
        assert connection.exists("ates:wake:direct", "ates:wake:bulk", "ates:wake:echo") == 3
        assert 0 < connection.ttl("ates:wake:direct") <= 5


def test_a_ring_alone_delivers_and_what_comes_meanwhile_rings_again(
    plant: Plant, valkey: str
) -> None:
    assert bell.rung_during_the_drain(plant, valkey) == set()


def test_a_commit_wakes_a_worker_without_the_sweep(plant: Plant, wake_engine: WakeServer) -> None:
    process = bell.start(plant, wake_engine.url, sweeping=False)
    try:
        bell.hang(plant, wake_engine.url)
        _heard(plant, 20)
        for _ in range(5):
            _heard(plant, 2)
    finally:
        assert bell.stop(process)


def _heard(plant: Plant, seconds: float) -> None:
    """What nobody listens to rings for nobody: the ring is for what is heard."""
    plant.bump(1)
    until = time.monotonic() + seconds
    while any(plant.effects(name) < plant.n for name in ("direct", "bulk", "echo")):
        assert time.monotonic() < until
        time.sleep(0.02)


class Evil:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_worker_runs_nothing_that_redis_names(
    plant: Plant, redis_url: str, tmp_path: Path
) -> None:
    bell.hang(plant, redis_url)
    traps = [tmp_path / f"trap{each}" for each in range(4)]
    with redis.Redis.from_url(redis_url) as connection:
        queue = rq.Queue(worker.EVENTS, connection=connection, serializer=JSONSerializer)
        queue.enqueue("os.mkdir", str(traps[0]))
        queue.enqueue("ates.kernel.clock.sleep", 0)
        queue.enqueue("drain", "direct", on_success=rq.Callback("os.mkdir"))
        queue.enqueue("drain", "direct", on_failure=rq.Callback("os.mkdir"), meta={"x": 1})
        queue.enqueue("drain", "nobody")
        poisoned = queue.enqueue("drain", "direct")
        connection.hset(poisoned.key, "data", pickle.dumps(Evil(traps[1])))
        rq.Queue(worker.EVENTS, connection=connection).enqueue(os.mkdir, str(traps[2]))
    plant.bump(1)
    for _ in range(10):
        bell.burst(redis_url)
    assert not [trap for trap in traps if trap.exists()]
    assert plant.position("direct") == 1


def test_a_request_loses_a_tenth_of_a_second_once_a_second(
    plant: Plant, wake_engine: WakeServer
) -> None:
    ringing = bell.hang(plant, wake_engine.url)
    plant.bump(1)
    assert ringing.failed == 0
    with frozen(wake_engine):
        lost = [_lost(plant) for _ in range(6)]
        assert ringing.failed == 1
        assert 0.05 < lost[0] < 0.3
        assert max(lost[1:]) < 0.05
    ringing.muted_until = 0
    wake_engine.kill()
    assert max(_lost(plant) for _ in range(3)) < 0.3
    wake_engine.start()


def _lost(plant: Plant) -> float:
    began = time.monotonic()
    worker.ring_types({"toy.bumped"})
    return time.monotonic() - began


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    "wake_engine", ["redis", pytest.param("valkey", marks=pytest.mark.proof)], indirect=True
)
def test_the_sweep_heals_whatever_becomes_of_redis(plant: Plant, wake_engine: WakeServer) -> None:
    process = bell.start(plant, wake_engine.url)
    try:
        bell.hang(plant, wake_engine.url)
        _bump_and_heal(plant, 20)  # the worker starts
        wake_engine.empty()
        _bump_and_heal(plant, 3)
        with frozen(wake_engine):
            _bump_and_heal(plant, 3)
        _bump_and_heal(plant, 3)
        with redis.Redis.from_url(wake_engine.url) as connection:
            connection.config_set("maxmemory", "1")
            _bump_and_heal(plant, 3)
        wake_engine.kill()
        _bump_and_heal(plant, 3)
        wake_engine.start()
        _bump_and_heal(plant, 3)
    finally:
        assert bell.stop(process)


def _bump_and_heal(plant: Plant, seconds: float) -> None:
    plant.bump_many(5)
    bell.healed(plant, seconds)


def test_a_worker_starts_works_and_stops_without_redis(plant: Plant) -> None:
    process = bell.start(plant, f"redis://127.0.0.1:{free_port()}/0")
    try:
        _bump_and_heal(plant, 20)
    finally:
        assert bell.stop(process)


def test_a_worker_stops_in_time_while_redis_hangs(plant: Plant, wake_engine: WakeServer) -> None:
    process = bell.start(plant, wake_engine.url)
    try:
        _bump_and_heal(plant, 20)
        with frozen(wake_engine):
            time.sleep(0.3)
            assert bell.stop(process)
    finally:
        process.kill()
