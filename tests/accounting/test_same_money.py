"""The same money whatever the order, the schedule and the database (C9, P4, P15, P19)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ates.kernel import ids
from tests.accounting.machine import plain
from tests.accounting.machine.rows import Rows, read
from tests.accounting.machine.rules import ask
from tests.accounting.machine.stage import Stage
from tests.accounting.machine.world import PEOPLE, World

LITTLE = settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MUCH = settings(LITTLE, max_examples=60)

WHO = st.sampled_from(PEOPLE)
SIZES = st.sampled_from([1, 3, 500])
DRAWS = st.lists(st.tuples(st.integers(1, 6), WHO), min_size=1, max_size=10)


@dataclass(frozen=True)
class Fact:
    """What tasks says, and how long before its commit it happened."""

    kind: str
    number: int
    draw: int
    who: UUID
    ago: int = 0


def facts_of(draws: Sequence[tuple[int, UUID]], done: Sequence[int]) -> list[Fact]:
    """Assignments in this order, then completions by whoever has the task."""
    numbers: dict[int, int] = {}
    holders: dict[int, UUID] = {}
    found = []
    for number, who in draws:
        numbers[number] = numbers.get(number, 0) + 1
        holders[number] = who
        found.append(Fact("fee", number, numbers[number], who))
    for number in dict.fromkeys(done):
        if number in holders:
            found.append(Fact("reward", number, 0, holders[number]))
    return found


# --- any order (P4) -------------------------------------------------------------------------------


def money(rows: Rows) -> Any:
    """What everybody has, and what each day brought them."""
    days: dict[tuple[UUID, date, str], int] = {}
    for entry in rows.entries:
        key = entry.person_id, entry.business_date, entry.kind
        days[key] = days.get(key, 0) + entry.amount_cents
    return {row.person_id: row.balance_cents for row in rows.accounts}, days


def deliver(world: World, facts: Sequence[Fact], sizes: Sequence[int]) -> Rows:
    """Say and hear the facts in this order, in batches of these sizes, and close the day."""
    for place, fact in enumerate(facts):
        world.say(fact.kind, fact.number, fact.draw, fact.who)
        if place < len(sizes):
            world.hear(sizes[place])
    world.hear()
    world.to_border(0)
    world.wait(3)
    world.night()
    ask(world.rest())
    return read(world.database)


class TestAnyOrder:
    @LITTLE
    @given(draws=DRAWS, done=st.lists(st.integers(1, 6), max_size=4), data=st.data())
    def test_any_order_and_repetition_before_a_close_gives_the_same_balances(
        self, stage: Stage, draws: Any, done: Any, data: st.DataObject
    ) -> None:
        facts = facts_of(draws, done)
        again = data.draw(st.lists(st.sampled_from(facts), max_size=5))
        other = data.draw(st.permutations([*facts, *again]))
        one = money(deliver(stage.world(), facts, []))
        assert money(deliver(stage.world(), other, data.draw(st.lists(SIZES, max_size=6)))) == one


# --- any schedule (C9, P15) -----------------------------------------------------------------------

MINUTES = st.integers(0, 3 * 24 * 60)
TIMELINE = st.lists(st.tuples(MINUTES, st.integers(1, 6), WHO), min_size=2, max_size=12)
CORRECTIONS = st.lists(
    st.tuples(MINUTES, WHO, st.sampled_from([1, -1, 99, 5000])),
    max_size=3,
    unique_by=lambda c: c[0],
)
SCHEDULE = st.lists(st.tuples(MINUTES, st.sampled_from(["hear", "night"]), SIZES), max_size=8)


def live(world: World, facts: Any, corrections: Any, schedule: Any) -> list[Any]:
    """Three days as they come, with runs as cron has them; the payouts of all in the end.

    The books have begun: their first day is the one of the first fact that is heard, and what is
    older counts in it.
    """
    begin = world.now
    world.adjust(PEOPLE[3], 1, id=99)
    acts: list[tuple[float, int, str, Any]] = [
        *((minute, 0, "fact", fact) for minute, fact in facts),
        *((minute, 1, "adjust", (who, cents)) for minute, who, cents in corrections),
        *((minute, 2, what, size) for minute, what, size in schedule),
    ]
    for minute, _, what, which in sorted(acts, key=lambda act: act[:2]):
        world.now = begin + timedelta(minutes=minute)
        if what == "fact":
            world.say(which.kind, which.number, which.draw, which.who, ago=which.ago)
        elif what == "adjust":
            world.adjust(*which)
        else:
            getattr(world, what)(which)
    world.now = begin + timedelta(days=6)
    world.hear()
    world.night()
    ask(world.rest())
    rows = read(world.database)
    return sorted(
        (e.business_date, e.person_id, -e.amount_cents) for e in rows.entries if e.kind == "payout"
    )


def timeline(marks: Any) -> list[tuple[int, Fact]]:
    """Facts of tasks in time: the second draw of a task on completes it. Each was committed up to
    100 seconds after it happened, within the grace."""
    found: list[tuple[int, Fact]] = []
    draws: dict[int, int] = {}
    for place, (minute, number, who) in enumerate(sorted(marks)):
        draws[number] = draws.get(number, 0) + 1
        ago = 25 * (place % 5)
        kind, draw = ("fee", draws[number]) if draws[number] != 2 else ("reward", 0)
        found.append((minute, Fact(kind, number, draw, who, ago)))
    return found


class TestAnySchedule:
    @LITTLE
    @given(marks=TIMELINE, corrections=CORRECTIONS, one=SCHEDULE, other=SCHEDULE)
    def test_two_schedules_of_cron_pay_the_same(
        self, stage: Stage, marks: Any, corrections: Any, one: Any, other: Any
    ) -> None:
        self.compare(stage, marks, corrections, one, other)

    @pytest.mark.proof
    @pytest.mark.timeout(300)
    @MUCH
    @given(marks=TIMELINE, corrections=CORRECTIONS, one=SCHEDULE, other=SCHEDULE)
    def test_many_schedules_of_cron_pay_the_same(
        self, stage: Stage, marks: Any, corrections: Any, one: Any, other: Any
    ) -> None:
        self.compare(stage, marks, corrections, one, other)

    def compare(self, stage: Stage, marks: Any, corrections: Any, one: Any, other: Any) -> None:
        facts = timeline(marks)
        paid = live(stage.world("Europe/Berlin"), facts, corrections, one)
        assert live(stage.world("Europe/Berlin"), facts, corrections, other) == paid


# --- either database (P19) ------------------------------------------------------------------------

ACT = st.one_of(
    st.tuples(st.just("assign"), st.integers(1, 5), WHO),
    st.tuples(st.just("complete"), st.integers(1, 5), WHO),
    st.tuples(st.just("hear"), SIZES),
    st.tuples(st.just("adjust"), WHO, st.sampled_from([1, -1, 99, -2500, 3333])),
    st.tuples(st.just("wait"), st.sampled_from([1, 45, 1500])),
    st.tuples(st.just("night"), SIZES),
    st.tuples(st.just("repeat"), st.integers(0, 9)),
    st.tuples(st.just("contradict_later"), st.integers(0, 9)),
    st.tuples(st.just("new_key")),
)
STORY: list[Any] = [
    ("assign", 1, PEOPLE[0]),
    ("assign", 2, PEOPLE[1]),
    ("complete", 2, PEOPLE[1]),
    ("hear", 500),
    ("adjust", PEOPLE[0], 3333),
    ("wait", 1500),
    ("assign", 3, PEOPLE[2]),
    ("repeat", 0),
    ("contradict_later", 1),
    ("hear", 1),
    ("night", 1),
    ("new_key",),
    ("complete", 3, PEOPLE[2]),
    ("assign", 4, PEOPLE[3]),
    ("hear", 500),
    ("wait", 4380),
    ("night", 500),
]


def book(world: World, story: Any) -> Rows:
    """Play a story, with the same ids for the same events."""
    with ids.repeatable(7):
        for name, *args in story:
            if name == "contradict_later":
                world.act("contradict", *args, later=True)
            else:
                world.act(name, *args)
        ask(world.rest())
    return read(world.database)


class TestEitherDatabase:
    def compare(self, one: Stage, other: Stage, story: Any) -> None:
        """Every row but the places in the files, hashes and seals among them."""
        here, there = book(one.world(), story), book(other.world(), story)
        for name in ("entries", "accounts", "days", "totals", "rewards", "payouts", "prices"):
            assert getattr(here, name) == getattr(there, name), name
        assert [row[:9] for row in here.account_days] == [row[:9] for row in there.account_days]
        assert [row.hash for row in here.blocks] == [row.hash for row in there.blocks]
        assert here.head == there.head
        for row, same in zip(here.letters, there.letters, strict=True):
            assert row._mapping == same._mapping

    @pytest.fixture
    def pair(self, stages: Callable[[str], Stage]) -> tuple[Stage, Stage]:
        return stages("sqlite"), stages("postgresql")

    def test_one_story_gives_the_same_entries_sums_and_hashes(
        self, pair: tuple[Stage, Stage]
    ) -> None:
        self.compare(*pair, STORY)

    @pytest.mark.proof
    @pytest.mark.timeout(300)
    @MUCH
    @given(story=st.lists(ACT, min_size=5, max_size=20))
    def test_any_story_gives_the_same_entries_sums_and_hashes(
        self, pair: tuple[Stage, Stage], story: Any
    ) -> None:
        self.compare(*pair, story)


def test_the_plain_price_is_the_one_of_the_worked_example() -> None:
    """The independent arithmetic of these tests, against chapter 17."""
    prices = [
        plain.price(bytes(range(32)), UUID(f"00000000-0000-4000-8000-{n:012}")) for n in range(1, 7)
    ]
    drawn = [(20, 31), (11, 39), (17, 35), (11, 35), (14, 23), (13, 20)]
    assert prices == [(100 * fee, 100 * reward) for fee, reward in drawn]
