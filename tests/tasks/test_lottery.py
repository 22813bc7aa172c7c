"""R6 and R7: the lot is uniform, and nobody outside of it is drawn."""

from collections import Counter
from itertools import pairwise
from typing import Any

from sqlalchemy.orm import Session

from ates.contracts.auth import Role
from ates.kernel import ids
from ates.tasks import lottery, service
from ates.tasks.titles import Wording
from tests.tasks import make

# Chi-square, 19 degrees of freedom: 99.99 % of fair lots stay below.
LIMIT = 50.8


def unevenness(counts: Counter[Any], people: int, draws: int) -> float:
    expected = draws / people
    seen = sum((count - expected) ** 2 / expected for count in counts.values())
    return seen + (people - len(counts)) * expected


def test_every_person_is_drawn_equally_often() -> None:
    people = [ids.new() for _ in range(20)]
    with ids.seeded(42):
        drawn = lottery.draw(people, 20_000)
    assert unevenness(Counter(drawn), 20, 20_000) < LIMIT


def test_draws_do_not_depend_on_the_one_before() -> None:
    people = [ids.new() for _ in range(5)]
    with ids.seeded(7):
        drawn = lottery.draw(people, 20_001)
    pairs = Counter(pairwise(drawn))
    assert unevenness(pairs, 25, 20_000) < 60.0  # 24 degrees of freedom, 99.99 %


def test_creating_draws_uniformly_and_never_managers_admins_or_the_inactive(
    session: Session,
) -> None:
    people = [*make.flock(session, 3), make.assignee(session, "Ada", Role.ACCOUNTANT).id]
    manager = make.assignee(session, "Margo", Role.MANAGER)
    make.assignee(session, "Adam", Role.ADMIN)
    make.assignee(session, "Gone", active=False)
    with ids.seeded(1):
        for number in range(200):
            service.create_task(session, Wording(f"Task {number}"), by=manager.id)
    counts = Counter(task.assignee_id for task in make.all_tasks(session))
    assert set(counts) == set(people)
    assert unevenness(Counter(counts), 4, 200) < 21.1  # 3 degrees of freedom, 99.99 %


def test_a_shuffle_draws_uniformly_from_the_same_people(session: Session) -> None:
    people = make.flock(session, 4)
    manager = make.assignee(session, "Margo", Role.MANAGER)
    make.assignee(session, "Gone", active=False)
    make.tasks(session, 100, by=manager.id)
    counts: Counter[Any] = Counter()
    with ids.seeded(3):
        for _ in range(10):
            service.shuffle_open_tasks(session, by=manager.id)
            counts.update(task.assignee_id for task in make.all_tasks(session))
    assert set(counts) == set(people)
    assert unevenness(counts, 4, 1000) < 21.1


def test_one_shuffle_does_not_give_everything_to_one_person(session: Session) -> None:
    make.flock(session, 10)
    make.tasks(session, 100, by=ids.new())
    with ids.seeded(5):
        run = service.shuffle_open_tasks(session, by=ids.new())
    assert len({task.assignee_id for task in make.all_tasks(session)}) == 10
    assert (run.least, run.most) == lottery_extremes(session)


def lottery_extremes(session: Session) -> tuple[int, int]:
    counts = Counter(task.assignee_id for task in make.all_tasks(session)).values()
    return min(counts), max(counts)


def test_the_spread_counts_those_who_got_nothing() -> None:
    people = [ids.new() for _ in range(4)]
    assert lottery.spread(people, [people[0]] * 3 + [people[1]]) == lottery.Spread(0, 0, 3)
