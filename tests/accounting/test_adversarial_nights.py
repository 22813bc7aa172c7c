"""Deliveries, times and nights nobody wishes for (books.md, chapter 16, cases 11 to 40)."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ates.accounting.posting import Posting
from ates.contracts.tasks import TaskAssigned
from ates.kernel import clock
from ates.kernel.bus import publish, publish_all
from ates.kernel.events import meta_of
from tests.accounting.machine.nights import KINDS_OF_DEATH, NIGHT
from tests.accounting.machine.rows import Rows, read
from tests.accounting.machine.rules import ask
from tests.accounting.machine.stage import Stage
from tests.accounting.machine.world import PEOPLE, Said, World
from tests.accounting.make import ARA, BIBI, COCO, approve, task
from tests.engines.marks import both, only_postgresql

FRIDAY, SATURDAY = date(2025, 3, 28), date(2025, 3, 29)


# On the second database such a list is for the proof.
later_on_postgresql = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)]
)


def midnight(world: World, minutes: float = 3) -> None:
    """So many minutes after the day that runs has ended."""
    world.to_border(0)
    world.wait(minutes)


def paid(rows: Rows) -> list[tuple[date, UUID, int]]:
    return sorted(
        (e.business_date, e.person_id, -e.amount_cents) for e in rows.entries if e.kind == "payout"
    )


def assign_many(world: World, count: int, who: Any, first: int = 1000) -> None:
    """So many tasks at one instant, each its first assignment, to `who(number)`."""
    events = [
        TaskAssigned(task_id=task(n), key_version=1, number=1, assignee_id=who(n))
        for n in range(first, first + count)
    ]
    with world.running(), world.database.transaction() as session:
        publish_all(session, events)
    for number, event in enumerate(events, first):
        fact = Said("fee", number, 1, event.assignee_id, world.now, world.step)
        world.said[meta_of(event).id] = fact
        world.versions[number] = 1


# --- delivery -------------------------------------------------------------------------------------


@both
def test_11_a_fact_twice_in_one_batch_is_booked_once(world: World) -> None:
    world.assign(1, ARA)
    world.repeat(0)
    world.repeat(0)
    world.hear(500)
    assert len(read(world.database).entries) == 1
    ask(world.rest())


@both
def test_12_two_workers_at_once_book_each_fact_once(world: World) -> None:
    for number in range(1, 41):
        world.assign(number, PEOPLE[number % 4])
    world.number()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with world.app.app_context():
                world.drain(3).run()
        except BaseException as error:
            failed.append(error)

    with clock.frozen(world.now):
        workers = [threading.Thread(target=work) for _ in range(2)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
    assert failed == []
    assert len(read(world.database).entries) == 40
    ask(world.rest())


@both
def test_14_done_before_drawn_before_written_down(world: World) -> None:
    world.complete(1, ARA)
    world.hear()
    world.assign(1, ARA)
    world.hear()
    assert [entry.kind for entry in read(world.database).entries] == ["reward", "fee"]
    ask(world.rest())


def test_15_many_assignments_at_one_instant_half_to_one_person(world: World) -> None:
    swarm(world, 2_000)


@pytest.mark.proof
@pytest.mark.timeout(400)
@both
def test_15_a_hundred_thousand_assignments_at_one_instant(world: World) -> None:
    swarm(world, 100_000)


def swarm(world: World, count: int) -> None:
    for first in range(0, count, 20_000):
        some = min(20_000, count - first)
        assign_many(world, some, lambda n: ARA if n % 2 else UUID(int=n % 500 + 1), first + 1000)
    with world.running():
        while world.drain(500).run(60) != "dry":
            pass
    rows = read(world.database)
    assert len(rows.entries) == count
    assert len([entry for entry in rows.entries if entry.person_id == ARA]) == count // 2
    assert sum(row.balance_cents for row in rows.accounts) == sum(
        entry.amount_cents for entry in rows.entries
    )


@both
def test_16_poison_amid_five_hundred_is_set_aside_alone(world: World) -> None:
    world.assign(1, ARA)
    world.hear()
    assign_many(world, 250, lambda n: BIBI)
    world.contradict(0, later=True)
    assign_many(world, 249, lambda n: COCO, 5000)
    world.hear(500)
    rows = read(world.database)
    assert len(rows.entries) == 500
    assert [row.status for row in rows.parked] == ["dead"]
    ask(world.rest())


@only_postgresql
@pytest.mark.parametrize(("minutes", "day"), [(1.5, FRIDAY), (4, SATURDAY)])
def test_17_a_producer_that_is_open_over_midnight(world: World, minutes: float, day: date) -> None:
    """Within the grace it is waited for without being seen; beyond it, it is late and not lost."""
    world.adjust(COCO, 100)
    world.to_border(-10_000_000)
    producer = world.database.session()
    with producer, producer.begin():
        with world.running():
            event = TaskAssigned(task_id=task(1), key_version=1, number=1, assignee_id=ARA)
            publish(producer, event)
        fact = Said("fee", 1, 1, ARA, world.now, world.step)
        world.wait(minutes)
        world.night()
    world.step += 1
    world.said[meta_of(event).id] = Said("fee", 1, 1, ARA, fact.at, world.step)
    world.wait(3)
    world.night()
    world.hear()
    world.night()
    entry = read(world.database).entries[1 if day == FRIDAY else 2]
    assert (entry.kind, entry.occurred_on, entry.business_date) == ("fee", FRIDAY, day)
    ask(world.rest())


@both
def test_18_the_whole_log_again_changes_nothing(world: World) -> None:
    for number in range(1, 8):
        world.assign(number, PEOPLE[number % 3])
        world.complete(number)
    world.contradict(3, later=False)
    world.hear()
    midnight(world)
    world.night()
    before = read(world.database)
    for size in (1, 500):
        world.replay(size)
    assert read(world.database).entries == before.entries
    ask(world.rest())


# --- time -----------------------------------------------------------------------------------------


@both
def test_19_the_last_microsecond_is_today_and_the_next_is_tomorrow(world: World) -> None:
    world.assign(1, ARA)
    world.hear()
    for microseconds in (-1, 1, 1):
        world.to_border(0) if microseconds == -1 else None
        world.wait(0, microseconds)
        world.assign(2, ARA)
    world.hear()
    days = [entry.business_date for entry in read(world.database).entries]
    assert days == [FRIDAY, FRIDAY, SATURDAY, SATURDAY]
    ask(world.rest())


def test_24_the_business_moves_between_two_runs(world: World) -> None:
    world.assign(1, ARA)
    world.hear()
    ask(world.violations())
    for zone in ("Asia/Tokyo", "America/New_York", "Pacific/Apia", "Europe/Berlin"):
        world.act("move", zone)
        world.act("wait", 1500)
        world.act("adjust", ARA, 4000)
        world.act("night")
        ask(world.violations())
    ask(world.rest())


def test_26_a_leap_day_is_a_day(stage: Stage) -> None:
    """29 February 2028, and the week 53 that ends the year 2032."""
    for begin in (datetime(2028, 2, 28, 20, tzinfo=UTC), datetime(2032, 12, 30, 20, tzinfo=UTC)):
        world = stage.world()
        world.now = begin
        for number in range(1, 5):
            world.complete(number, ARA)
            world.hear()
            world.wait(1440)
        world.night()
        days = [entry[0] for entry in paid(read(world.database))]
        assert days == [begin.date() + timedelta(days=n) for n in range(4)]
        ask(world.rest())


@both
def test_27_a_day_with_late_entries_only(world: World) -> None:
    world.adjust(COCO, 100)
    midnight(world)
    world.night()
    world.complete(1, ARA, ago=600)
    world.hear()
    midnight(world)
    world.night()
    midnight(world)  # and a day with nothing at all
    world.night()
    rows = read(world.database)
    assert paid(rows)[1:] == [(SATURDAY, ARA, 3100)]
    assert [day.state for day in rows.days[:3]] == ["paid"] * 3
    assert rows.rewards[0].completed_on == FRIDAY
    ask(world.rest())


# --- close and pay --------------------------------------------------------------------------------


def two_who_are_owed(world: World) -> None:
    world.adjust(ARA, 1)
    world.complete(2, BIBI)
    world.assign(3, COCO)
    world.hear()


DUE = [(FRIDAY, ARA, 1), (FRIDAY, BIBI, 3900)]


@both
def test_28_a_run_during_a_shuffle_pays_what_the_day_brought(world: World) -> None:
    two_who_are_owed(world)
    midnight(world)
    draws = iter(range(1, 99))

    def shuffle(world: World) -> None:
        for number in (3, 4, 5):
            world.assign(number, PEOPLE[next(draws) % 4])
        world.meanwhile("hear")

    world.night(1, meanwhile=shuffle)
    assert paid(read(world.database)) == DUE
    ask(world.rest())


@pytest.mark.parametrize("step", sorted(NIGHT))
@later_on_postgresql
def test_29_wherever_a_run_dies_the_next_one_pays_the_same(world: World, step: str) -> None:
    two_who_are_owed(world)
    midnight(world)
    world.night_and_die(step, "killed")
    ask(world.violations())
    world.night()
    assert paid(read(world.database)) == DUE
    ask(world.rest())


@pytest.mark.parametrize("how", sorted(KINDS_OF_DEATH))
@pytest.mark.parametrize(
    "step", [name for name, step in NIGHT.items() if step.commit], ids=lambda name: name[:2]
)
@later_on_postgresql
def test_40_an_answer_to_a_commit_that_is_lost_changes_no_sum(
    world: World, step: str, how: str
) -> None:
    two_who_are_owed(world)
    midnight(world)
    for _ in range(3):
        world.night_and_die(step, how)
        ask(world.violations())
    world.night()
    assert paid(read(world.database)) == DUE
    ask(world.rest())


@both
def test_30_events_while_paying_count_in_their_own_day(world: World) -> None:
    two_who_are_owed(world)
    midnight(world)
    facts = iter(range(10, 99))

    def work(world: World) -> None:
        world.assign(next(facts), ARA)
        world.complete(next(facts), BIBI)
        world.meanwhile("hear")

    world.night(1, meanwhile=work)
    rows = read(world.database)
    assert paid(rows) == DUE
    late = [e.business_date for e in rows.entries if e.occurred_at >= rows.days[0].ends_at]
    assert set(late[:-2]) >= {SATURDAY}
    ask(world.rest())


@pytest.mark.proof
@pytest.mark.timeout(400)
def test_32_a_hundred_thousand_accounts_are_paid_in_one_night(world: World) -> None:
    for first in range(0, 100_000, 5_000):
        with world.running(), world.database.transaction() as session:
            posting = Posting(session, world.books)
            for number in range(first, first + 5_000):
                posting.adjust(UUID(int=number + 1), to=UUID(int=10**6 + number), amount_cents=1)
            posting.flush()
            approve(session, posting)
    midnight(world)
    world.night()
    rows = read(world.database)
    assert len(rows.payouts) == len(rows.letters) == 100_000
    assert {day.state for day in rows.days[:1]} == {"paid"}
    assert {account.balance_cents for account in rows.accounts} == {0}


@both
def test_37_what_is_repaired_after_the_payout_is_paid_with_the_next(world: World) -> None:
    world.adjust(COCO, 100)
    world.assign(1, ARA)
    world.hear()
    world.complete(1)
    world.park()
    world.hear()
    midnight(world)
    world.night()
    assert read(world.database).days[0].parked == 1
    world.again()
    world.hear()
    midnight(world)
    world.night()
    rows = read(world.database)
    reward = next(entry for entry in rows.entries if entry.kind == "reward")
    assert (reward.occurred_on, reward.business_date) == (FRIDAY, SATURDAY)
    assert paid(rows) == [(FRIDAY, COCO, 100), (SATURDAY, ARA, 1100)]
    ask(world.rest())


@both
def test_38_a_dry_run_writes_nothing_and_the_run_does_what_it_said(world: World) -> None:
    two_who_are_owed(world)
    world.wait(4380)
    world.night()
    ask(world.rest())
