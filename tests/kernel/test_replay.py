"""P8, P9, P11 and F11: replays, the question of a payout, a worker that stopped, a restore."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ates.kernel import clock, log
from ates.kernel.delivery import drain_all
from ates.kernel.errors import Corrupt
from ates.kernel.lag import behind, unhandled_before
from ates.kernel.log import sequence
from ates.kernel.tables import event_log
from ates.ops import checks
from tests.kernel import toy, victim
from tests.kernel.plant import Plant


@pytest.mark.parametrize("size", [1, 3, 500])
def test_a_replay_gives_the_same_read_model_for_any_batch_size(plant: Plant, size: int) -> None:
    plant.bump_many(30)
    plant.bump(2, poison="late")
    plant.bump_many(10)
    plant.settle()
    plant.heal()
    plant.inboxes["again"] = toy.bulk(plant.poisons, "again")
    plant.begin()
    plant.settle(size)
    assert plant.sums("again") == plant.sums("bulk") != {}
    assert plant.violated() == set()


@pytest.mark.parametrize("seed", range(3))
def test_any_interleaving_of_streams_gives_the_same_read_model(plant: Plant, seed: int) -> None:
    said = [(number, n) for n in range(8) for number in range(4)]
    plant.n = 100
    with plant.database.transaction() as session:
        toy.bump_many(session, [(number, n) for number, n in said])
        mixed = [number + 10 for number, _ in said]
        random.Random(seed).shuffle(mixed)
        turn = dict.fromkeys(mixed, 0)
        for number in mixed:
            toy.bump(session, number, turn[number])
            turn[number] += 1
    plant.settle()
    sums = plant.sums("bulk")
    for number in range(4):
        first, second = (f"thing_id:{toy.thing_id(each)}" for each in (number, number + 10))
        assert sums[first] == sums[second] == (8, sum(range(8)))


def test_what_is_unhandled_is_counted_on_all_its_ways(plant: Plant) -> None:
    def ask() -> tuple[int, int]:
        with plant.database.reading() as session:
            found = unhandled_before(session, "direct", after)
        return found.waiting, found.parked

    after = clock.now() + timedelta(seconds=100)
    assert ask() == (0, 0)
    plant.bump(1)
    plant.bump(2, poison="hopeless")
    plant.bump(2)
    with plant.database.transaction() as session:
        toy.whisper(session, 3)  # known, and not listened to
    assert ask() == (3, 0), "staged"
    sequence(plant.database)
    assert ask() == (3, 0), "in the log"
    plant.drain("direct").run()
    assert ask() == (0, 2), "parked"
    after = clock.now() - timedelta(seconds=100)
    assert ask() == (0, 0), "before them"


def test_a_consumer_that_never_began_has_handled_nothing(plant: Plant) -> None:
    plant.bump(1)
    sequence(plant.database)
    with plant.database.reading() as session:
        found = unhandled_before(session, "unborn", clock.now() + timedelta(seconds=1))
    assert found.waiting > 0


def test_after_the_grace_nothing_older_arrives(plant: Plant) -> None:
    """P9: whoever asked and heard 0 has all the effects of what happened before."""
    for round_ in range(6):
        instant = clock.now() + timedelta(milliseconds=5)
        plant.bump_many(20)
        time.sleep(0.01)
        plant.bump_many(20)
        for size in (3, 7):
            plant.drain("direct", size).batch()
            with plant.database.reading() as session:
                clear = unhandled_before(session, "direct", instant).waiting == 0
                highest = toy.last_effect(session)
            plant.settle() if round_ % 2 else sequence(plant.database)
            if clear:
                with plant.database.reading() as session:
                    late = session.execute(
                        select(toy.effect).where(
                            toy.effect.c.id > highest,
                            toy.effect.c.consumer == "direct",
                            toy.effect.c.at < instant,
                        )
                    ).all()
                assert late == []
    plant.settle()
    assert plant.violated() == set()


def test_behind_says_up_to_when_all_is_counted(plant: Plant) -> None:
    with clock.frozen(clock.now()) as _:
        plant.bump(1)
        first = clock.now()
    with plant.later(50):
        plant.bump(1)
    with plant.database.reading() as session:
        found = behind(session, "direct")
    assert (found.events, found.oldest, found.as_of) == (2, first, first)
    plant.settle()
    with plant.later(60), plant.database.reading() as session:
        found = behind(session, "direct")
        assert (found.events, found.oldest, found.as_of) == (0, None, clock.now())


def test_drain_all_hears_what_a_retry_said(plant: Plant) -> None:
    plant.inboxes = {"bulk": plant.inboxes["bulk"], "echo": toy.loud_echo(plant.poisons)}
    plant.begin()
    plant.bump(1, poison="early")
    inboxes = list(plant.inboxes.values())
    assert drain_all(plant.database, inboxes)
    plant.poisons.clear()
    with plant.later(60):
        assert drain_all(plant.database, inboxes)
    assert plant.violated() == set()
    assert plant.effects("bulk") == 2


def test_a_worker_that_stops_holds_up_no_other_for_long(plant: Plant) -> None:
    """F11: it holds the lock, another waits; whoever is first, the effects are there once."""
    plant.bump_many(10)
    sequence(plant.database)
    process = victim.start(plant, "F7 drain after the position", "stop")
    _wait_until_stopped(process)
    other = multiprocessing.get_context("forkserver").Process(target=drain_once, args=(plant.url,))
    other.start()
    other.join(0.8)
    assert other.exitcode is None, "the row is locked"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)
    process.join(20)
    other.join(20)
    assert [process.exitcode, other.exitcode] == [0, 0]
    plant.settle()
    assert plant.violated() == set()
    assert checks.verify(plant.database)[1] == []


def drain_once(url: str) -> None:
    other = Plant(url)
    with other.app.app_context():
        other.drain("direct").run()


def _wait_until_stopped(process: multiprocessing.process.BaseProcess) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with open(f"/proc/{process.pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return
        time.sleep(0.02)
    raise AssertionError("the victim did not stop")


def test_the_log_is_whole_in_the_order_of_each_stream(plant: Plant) -> None:
    for each in range(4):
        plant.bump_many(5 + each)
        plant.settle()
    with plant.database.reading() as session:
        rows = session.execute(select(event_log).order_by(event_log.c.position)).all()
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    assert checks.verify(plant.database) == (len(rows), [])


@pytest.mark.parametrize("lost", [1, 3, 20])
def test_a_hole_stops_the_consumer_however_long_it_is(plant: Plant, lost: int) -> None:
    plant.bump_many(30)
    sequence(plant.database)
    with plant.database.transaction() as session:
        session.execute(delete(event_log).where(event_log.c.position.between(6, 5 + lost)))
    drain = plant.drain("direct", 5)
    assert drain.batch() == 5
    drain.stats.size = 5
    with pytest.raises(Corrupt, match="a hole after 5"):
        drain.batch()
    assert plant.position("direct") == 5
    assert plant.effects("direct") == 5


def test_what_comes_between_the_two_questions_is_no_hole(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = log._read

    def late(session: Session, asked: Mapping[str, Any]) -> list[Any]:
        monkeypatch.setattr(log, "_read", read)
        return read(session, {**asked, "until": asked["after"]})  # nothing is there yet

    plant.bump(1)
    sequence(plant.database)
    monkeypatch.setattr(log, "_read", late)
    assert plant.drain("direct").batch() == 1
