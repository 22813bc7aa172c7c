"""What the sums of analytics promise: exact under any batches, stopped rather than wrong."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from ates.analytics.models import Base, DayReward, DaySum, Head, Person, Task
from ates.analytics.totals import Totals
from ates.contracts.accounting import Kind
from ates.kernel.errors import Hopeless
from tests.analytics import make
from tests.analytics.make import ARA, BIBI, COCO, FIRST, Ledger
from tests.analytics.naive import recount

SECOND = FIRST + timedelta(days=1)
PEOPLE = (ARA, BIBI, COCO)
DAYS = tuple(FIRST + timedelta(days=number) for number in range(5))

facts = st.lists(
    st.tuples(
        st.sampled_from(("fee", "fee", "reward", "adjustment")),
        st.sampled_from(PEOPLE),
        st.integers(0, 1),  # days of the week it counts in, from the first still open
        st.integers(0, 2),  # days it is late
        st.integers(0, 20),  # how much
        st.integers(0, 3),  # minutes and seconds, so that moments are shared
        st.booleans(),  # whether the block ends here
        st.sampled_from(("", "", "", "close", "close and pay")),
    ),
    max_size=40,
)


def written(told: list[tuple[Any, ...]]) -> Ledger:
    """A ledger from random facts: blocks of any size, late entries, days closed and paid late."""
    ledger, block, shut, paid = Ledger(), list[Any](), 0, 0
    ledger.open(DAYS[0])
    ledger.open(DAYS[1])
    for number, (kind, person, ahead, late, size, part, ends, then) in enumerate(told):
        day = DAYS[min(shut + ahead, len(DAYS) - 1)]
        cents = {"fee": -1000 - 50 * size, "reward": 2000 + 100 * (size % 3), "adjustment": 7}[kind]
        on = max(FIRST, day - timedelta(days=late))
        at = make.moment(on, 7, part % 2) + timedelta(seconds=part)
        block.append(ledger.entry(kind, person, cents, day, on=on, at=at, number=number))
        if ends or then:
            ledger.post(*block)
            block = []
            ledger.price(number)
        if then and shut < len(DAYS) - 2:
            ledger.close(DAYS[shut])
            shut += 1
            ledger.open(DAYS[shut + 1])
        while then == "close and pay" and paid < shut:
            ledger.post(ledger.entry("payout", person, -500, DAYS[paid]))
            ledger.pay(DAYS[paid])
            paid += 1
    if block:
        ledger.post(*block)
    return ledger


class TestSums:
    @given(told=facts, sizes=st.lists(st.integers(0, 7), max_size=12))
    def test_the_tables_are_the_entries_counted_by_hand_under_any_batches(
        self, session: Session, told: list[tuple[Any, ...]], sizes: list[int]
    ) -> None:
        ledger = written(told)
        with session.begin_nested() as undo:
            make.feed(session, ledger.events, sizes)
            session.info["consumer"] = "analytics@2"
            make.feed(session, ledger.events)
            session.info["consumer"] = "analytics"
            assert make.tables(session, 1) == make.tables(session, 2)
            for name, rows in recount(ledger).items():
                assert stored(session, name, rows) == rows_of(rows), name
            undo.rollback()

    def test_names_come_from_auth_and_balances_from_the_ledger_in_any_order(
        self, session: Session
    ) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.post(ledger.entry("fee", ARA, -1500, FIRST))
        said = [
            make.person(ARA, "Ara Red", version=2),
            *ledger.events,
            make.person(ARA, "Ara"),
            make.person(BIBI, "Bibi"),
        ]
        make.feed(session, said, sizes=[1, 1, 1])
        rows = session.execute(select(Person.name, Person.balance_cents).order_by(Person.name))
        assert [tuple(row) for row in rows] == [("Ara Red", -1500), ("Bibi", 0)]

    def test_a_late_completion_belongs_to_the_day_it_happened(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.open(SECOND)
        ledger.post(ledger.entry("reward", ARA, 3100, SECOND, on=FIRST, number=4))
        make.feed(session, ledger.events)
        assert session.execute(select(DayReward.completed_on, DayReward.tasks)).one() == (FIRST, 1)
        income = session.execute(
            select(DaySum.reward_cents).where(DaySum.business_date == SECOND)
        ).scalar_one()
        assert income == 3100

    def test_of_tasks_with_one_reward_the_first_completed_is_named(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        hours = ((1, 15), (2, 9), (3, 11))
        for number, hour in hours:
            at = make.moment(FIRST, hour)
            ledger.post(ledger.entry("reward", ARA, 4000, FIRST, at=at, number=number))
        make.feed(session, ledger.events, sizes=[2, 1])
        row = session.execute(select(DayReward.tasks, DayReward.first_task_id)).one()
        assert row == (3, make.task(2))
        assert session.scalar(select(func.count()).select_from(Task)) == 3


class TestRefusals:
    """A wrong figure never goes on: the stream stops at the event, which names both sides."""

    def test_an_event_is_missing(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.open(SECOND)
        ledger.price(1)
        with pytest.raises(Hopeless, match="event 3 of the ledger came after 1"):
            make.feed(session, [ledger.events[0], ledger.events[2]])
        assert session.scalar(select(func.count()).select_from(Head)) == 0

    def test_an_event_is_missing_between_batches(self, session: Session) -> None:
        ledger = Ledger()
        for day in DAYS:
            ledger.open(day)
        make.feed(session, ledger.events[:1])
        with pytest.raises(Hopeless, match="event 3"):
            make.feed(session, ledger.events[2:])

    def test_an_event_comes_twice(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        make.feed(session, ledger.events)
        with pytest.raises(Hopeless):
            make.feed(session, ledger.events)

    def test_an_entry_is_missing(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.entry("fee", ARA, -1000, FIRST)
        ledger.post(ledger.entry("fee", ARA, -1000, FIRST))
        with pytest.raises(Hopeless, match="entry 2 came after 0"):
            make.feed(session, ledger.events)

    def test_a_day_was_never_opened(self, session: Session) -> None:
        ledger = Ledger()
        ledger.post(ledger.entry("fee", ARA, -1000, FIRST))
        with pytest.raises(Hopeless, match="never opened"):
            make.feed(session, ledger.events)

    def test_the_close_states_another_sum(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.post(ledger.entry("fee", ARA, -1000, FIRST))
        ledger.close(FIRST, wrong=100)
        with pytest.raises(Hopeless, match="the close of 2026-11-20"):
            make.feed(session, ledger.events, sizes=[2])

    def test_the_payout_states_another_sum(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(FIRST)
        ledger.post(ledger.entry("reward", ARA, 2000, FIRST))
        ledger.close(FIRST)
        ledger.post(ledger.entry("payout", ARA, -2000, FIRST))
        ledger.pay(FIRST, wrong=1)
        with pytest.raises(Hopeless, match="the payout of 2026-11-20"):
            make.feed(session, ledger.events)


def test_nothing_is_asked_before_the_flush_and_little_in_it(session: Session) -> None:
    small, large = _statements(session, 3, "analytics@3"), _statements(session, 150, "analytics@4")
    assert small == large <= 13


def _statements(session: Session, entries: int, consumer: str) -> int:
    ledger = Ledger()
    ledger.open(FIRST)
    for number in range(entries):
        kind: Kind = "reward" if number % 2 else "fee"
        cents = 2000 + number % 20 * 100 if number % 2 else -1000
        ledger.post(ledger.entry(kind, PEOPLE[number % 3], cents, FIRST, number=number))
    session.info["consumer"] = consumer
    count = Counter[str]()
    connection = session.connection()

    def seen(*_: Any) -> None:
        count["statements"] += 1

    event.listen(connection, "before_cursor_execute", seen)
    try:
        unit = Totals(session)
        for each in ledger.events:
            unit.count(each)
        unit.name(make.person(ARA, "Ara"))
        assert not count
        unit.flush()
    finally:
        event.remove(connection, "before_cursor_execute", seen)
        session.info["consumer"] = "analytics"
    return count["statements"]


def stored(session: Session, name: str, like: list[dict[str, Any]]) -> list[str]:
    """The rows of a table, as far as the columns of `like` go."""
    table = Base.metadata.tables[f"analytics_{name}"]
    left_out = {"generation", "name", "version"}
    columns = (
        list(like[0]) if like else [each.name for each in table.c if each.name not in left_out]
    )
    found = session.execute(
        select(*(table.c[each] for each in columns)).where(table.c.generation == 1)
    )
    return rows_of([dict(row._mapping) for row in found])


def rows_of(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(each) for each in rows)
