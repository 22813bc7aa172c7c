"""Duties: long acts in steps, each one transaction, done after a ring or found by the sweep."""

from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy.orm import Session

from ates.kernel import duty, sweep
from ates.kernel.duty import Duty, attend
from ates.kernel.errors import DatabaseAway
from ates.kernel.sweep import EventSweep
from tests.kernel import bell
from tests.kernel.plant import Plant


@pytest.fixture
def backend() -> str:
    """Nothing here depends on the database."""
    return "sqlite"


@dataclass
class Toy:
    """So many steps to do; `fails` says how many times the next one fails first."""

    left: int
    fails: int = 0
    looks: int = 0
    sessions: list[Session] = field(default_factory=list)

    def due(self, session: Session) -> bool:
        self.looks += 1
        return self.left > 0

    def step(self, session: Session) -> bool:
        self.sessions.append(session)
        if self.fails:
            self.fails -= 1
            raise DatabaseAway("for a moment")
        self.left -= 1
        return self.left > 0

    @property
    def duty(self) -> Duty:
        return Duty("toy.steps", due=self.due, step=self.step)


def test_steps_are_done_until_none_is_left_each_in_its_own_transaction(plant: Plant) -> None:
    toy = Toy(5)
    assert not attend(plant.database, toy.duty)
    assert toy.left == 0
    assert len({id(session) for session in toy.sessions}) > 1
    assert not attend(plant.database, toy.duty)
    assert len(toy.sessions) == 5  # nothing is due: no transaction to write


def test_time_and_stop_end_it_between_two_steps(plant: Plant) -> None:
    toy = Toy(5)
    assert attend(plant.database, toy.duty, seconds=0)
    assert toy.left == 4
    assert attend(plant.database, toy.duty, stop=lambda: toy.left == 2)
    assert toy.left == 2


def test_a_ring_is_heard_without_the_sweep(plant: Plant, redis_url: str) -> None:
    toy = Toy(3)
    duty.init_app(plant.app, [toy.duty])
    bell.hang(plant, redis_url)
    with plant.app.app_context(), plant.database.transaction() as session:
        duty.ask(session, "toy.steps")
        duty.ask(session, "toy.nobody")  # Redis may name anything
    bell.burst(redis_url)
    assert toy.left == 0


def test_the_sweep_finds_what_no_ring_told_and_drains_in_between(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "attend", partial(attend, seconds=0))
    toy = Toy(3)
    plant.bump(1)
    look = EventSweep(plant.database, list(plant.inboxes.values()), duties=[toy.duty])
    look()
    assert toy.left == 0
    assert plant.effects("direct") == 1


def test_one_that_fails_rests_and_holds_up_nobody(plant: Plant) -> None:
    sick, well = Toy(2, fails=1), Toy(2)
    duties = [Duty("toy.sick", due=sick.due, step=sick.step), well.duty]
    look = EventSweep(plant.database, list(plant.inboxes.values()), duties=duties)
    look()
    assert (sick.left, well.left) == (2, 0)
    looks = sick.looks
    look()
    assert sick.looks == looks  # it rests
    look.resting.clear()
    look()
    assert sick.left == 0
