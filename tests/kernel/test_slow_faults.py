"""Faults that take time: stops of 90 s, cut connections, restarts, forgotten transactions."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import exc, text

from ates.kernel.db import WORK, Database, Limits
from ates.kernel.errors import DatabaseAway
from ates.kernel.log import sequence
from ates.kernel.sweep import EventSweep
from tests.engines import postgres
from tests.kernel import bell, toy, victim
from tests.kernel.places import plant_on
from tests.kernel.plant import Plant
from tests.kernel.proxy import Proxy
from tests.kernel.test_replay import _wait_until_stopped, drain_once

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]
sqlite = pytest.mark.parametrize("backend", ["sqlite"])
postgresql = pytest.mark.parametrize("backend", ["postgresql"])


@pytest.fixture
def private() -> Iterator[tuple[postgres.Server, Path]]:
    """A durable cluster of the test's own, which it may hurt."""
    with postgres.private() as made:
        made[0].do("CREATE DATABASE {}", "plant")
        yield made


def settle_for(plant: Plant, seconds: float) -> None:
    """The sweep, again and again, as a worker does it."""
    look = EventSweep(plant.database, list(plant.inboxes.values()))
    until = time.monotonic() + seconds
    while plant.violated():
        assert time.monotonic() < until, plant.violations()
        with suppress(Exception):
            look()
        time.sleep(0.2)


# --- F11: stopped for 90 s ------------------------------------------------------------------------


@postgresql
@pytest.mark.parametrize("step", ["F7 drain after the position", "F4 sequencer after its insert"])
def test_a_worker_stopped_for_90_seconds_loses_its_lock_not_its_events(
    plant: Plant, step: str
) -> None:
    plant.bump_many(10)
    if step.startswith("F7"):
        sequence(plant.database)
    process = victim.start(plant, step, "stop")
    _wait_until_stopped(process)
    stopped = time.monotonic()
    plant.n += 2000
    settle_for(plant, 40)
    assert time.monotonic() - stopped < 40
    plant.bump_many(10)
    settle_for(plant, 5)
    time.sleep(max(0.0, 90 - (time.monotonic() - stopped)))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)
    process.join(30)
    assert process.exitcode == 1, "its commit fails"
    plant.settle()
    assert plant.violated() == set()


@sqlite
def test_a_worker_stopped_with_the_write_lock_is_killed_by_the_watchdog(plant: Plant) -> None:
    plant.bump_many(10)
    sequence(plant.database)
    process = victim.start(plant, "F7 drain after the position", "stop")
    _wait_until_stopped(process)
    other = multiprocessing.get_context("forkserver").Process(target=drain_once, args=(plant.url,))
    other.start()
    other.join(13)
    assert other.exitcode == 1, "it gives up after 10 s, and parks nothing"
    assert plant.violated(at_rest=False) == set(), "reading goes on"
    process.kill()
    process.join()
    settle_for(plant, 5)


# --- cut connections ------------------------------------------------------------------------------


@postgresql
def test_connections_cut_after_any_byte_through_commit(plant: Plant) -> None:
    name = plant.url.partition("@/")[2].partition("?")[0]
    server = postgres.server()
    proxy = Proxy(server.port)
    url = server.url(name, tcp=True).replace(f":{server.port}/", f":{proxy.port}/")
    through = Database(url, WORK, unsafe=True)
    plant.inboxes = {"direct": plant.inboxes["direct"]}

    def work() -> None:
        plant.n += 1
        with suppress(DatabaseAway, exc.DBAPIError):
            with through.transaction() as session:
                toy.bump(session, 1, plant.n)
            sequence(through)
            drain = plant.drain("direct")
            drain.database = through
            drain.batch()

    try:
        work()  # connect and warm up
        proxy.arm(-1)
        work()
        total = proxy.seen
        assert total > 2000
        for cut in range(0, total, max(1, total // 150)):
            proxy.arm(cut)
            work()
            proxy.arm(-1)
            assert (cut, plant.violated(at_rest=False)) == (cut, set())
        plant.settle()
        assert plant.violated() == set()
    finally:
        through.close()
        proxy.close()


def test_a_frozen_server_is_given_up_within_the_deadline(
    private: tuple[postgres.Server, Path],
) -> None:
    limits = Limits(connect=2, pool=0.5, lock=0.5, read=0.6, write=0.8, grace=0.3, pool_size=2)
    database = Database(private[0].url("plant"), limits, unsafe=True)

    frozen = []

    def ask() -> None:
        with database.reading() as session:
            frozen.append(session.scalar(text("SELECT pg_backend_pid()")) or 0)
            os.kill(frozen[0], signal.SIGSTOP)
            session.execute(text("SELECT 1"))

    began = time.monotonic()
    try:
        with pytest.raises(DatabaseAway):
            ask()
    finally:
        os.kill(frozen[0], signal.SIGCONT)
    assert time.monotonic() - began < 3, "0.8 s for a statement, 0.3 s of grace"
    with database.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()


# --- F13: the database restarts -------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_restarts_under_load_keeps_what_it_acknowledged(
    private: tuple[postgres.Server, Path], mode: str
) -> None:
    server, data = private
    with plant_on(server.url("plant")) as plant:
        worker = bell.start(plant, "")
        said, stop = [0], Event()

        def produce() -> None:
            with plant.app.app_context():
                while not stop.is_set():
                    with suppress(Exception):
                        plant.bump(said[0] % 5)
                        said[0] += 1  # acknowledged

        producer = Thread(target=produce)
        producer.start()
        for _ in range(3):
            time.sleep(1)
            postgres.control("restart", data, "-m", mode)
        time.sleep(1)
        stop.set()
        producer.join()
        until = time.monotonic() + 60
        while (found := _asked(plant)) != set() and time.monotonic() < until:
            time.sleep(0.3)
        assert found == set()
        assert said[0] > 20
        assert plant.effects("direct") >= said[0], "what was acknowledged is there"
        assert plant.parked() == []
        assert bell.stop(worker, 20)


def _asked(plant: Plant) -> set[str]:
    try:
        return plant.violated()
    except (DatabaseAway, exc.DBAPIError):
        return {"away"}


# --- F15: somebody keeps a transaction open -------------------------------------------------------


@postgresql
def test_an_open_writer_and_a_prepared_transaction_hold_up_nobody(plant: Plant) -> None:
    plant.bump(1)
    with plant.database.transaction() as idle:
        toy.bump(idle, 7, 7001)
        idle.flush()
        plant.bump_many(20)
        plant.settle()
        assert plant.position("direct") >= 21
    raw = plant.database.session("write")
    raw.begin()
    toy.bump(raw, 8, 8001)
    raw.flush()
    raw.execute(text("PREPARE TRANSACTION 'forgotten'"))
    raw.close()
    plant.bump_many(20)
    plant.settle()
    assert plant.violated() == set(), "it goes on beside a prepared transaction"
    autocommit = plant.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        connection.execute(text("COMMIT PREPARED 'forgotten'"))
    plant.settle()
    plant.bump(8)
    plant.settle()
    assert plant.violated() == set()
