"""Today against yesterday by this time, and the most expensive task of any period."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from ates.accounting.days import midnight
from ates.analytics.queries.board import Asked, Board, board
from ates.analytics.queries.periods import Grain, Period, period_of
from ates.kernel import clock
from tests.analytics import make
from tests.analytics.make import ARA, Ledger

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER_ENDS = date(2026, 10, 25)  # a day of 25 hours


def seen(session: Session, asked: Asked, zone: ZoneInfo, at: datetime) -> Board:
    with clock.frozen(at):
        return board(session, asked, zone, at=at)


def opened(days: list[date], zone: ZoneInfo) -> Ledger:
    ledger = Ledger()
    for day in days:
        ledger.open(day, midnight(day, zone), midnight(day + timedelta(days=1), zone))
    return ledger


class TestByThisTime:
    @given(
        day=st.sampled_from((SUMMER_ENDS, SUMMER_ENDS + timedelta(days=1), date(2026, 3, 30))),
        moments=st.lists(st.integers(0, 25 * 3600 * 10), max_size=30),
        tenth=st.integers(0, 24 * 3600 * 10 - 1),
    )
    def test_it_equals_a_direct_query_to_the_microsecond(
        self, session: Session, day: date, moments: list[int], tenth: int
    ) -> None:
        yesterday, begin = day - timedelta(days=1), midnight(day, BERLIN)
        ledger = opened([yesterday, day], BERLIN)
        length = begin - midnight(yesterday, BERLIN)
        for number, each in enumerate([*moments, tenth]):
            at = midnight(yesterday, BERLIN) + timedelta(microseconds=each * 100_000)
            if at < begin:
                ledger.post(ledger.entry("fee", ARA, -1000 - number, yesterday, at=at))
        ledger.post(ledger.entry("reward", ARA, 2500, day, at=begin))
        now = min(begin + timedelta(microseconds=tenth * 100_000), begin + length)
        local = now.astimezone(BERLIN)
        then = datetime.combine(yesterday, local.time(), BERLIN).astimezone(UTC)
        expected = -sum(
            each.amount_cents
            for each in ledger.entries
            if each.business_date == yesterday and each.occurred_at <= then
        )
        with session.begin_nested() as undo:
            make.feed(session, ledger.events)
            found = seen(session, Asked(), BERLIN, now).against
            undo.rollback()
        if found is None:  # a day of 23 hours is over sooner
            assert now >= midnight(day + timedelta(days=1), BERLIN)
        else:
            assert (found.day, found.cents) == (yesterday, expected)
            assert found.difference_cents == -2500 - expected

    @pytest.mark.parametrize(
        ("yesterday", "today", "percent"),
        [(-2000, -1000, -50), (-1000, -1000, 0), (-1000, -3000, 200), (-100000, -100001, None)],
    )
    def test_a_share_is_of_yesterday(
        self, session: Session, yesterday: int, today: int, percent: int | None
    ) -> None:
        ledger = Ledger()
        ledger.open(make.FIRST)
        ledger.open(make.FIRST + timedelta(days=1))
        for number, cents in enumerate((yesterday, today)):
            day = make.FIRST + timedelta(days=number)
            ledger.post(ledger.entry("fee", ARA, cents, day, at=make.moment(day, 9)))
        make.feed(session, ledger.events)
        at = make.moment(make.FIRST + timedelta(days=1), 9)
        found = seen(session, Asked(), ZoneInfo("UTC"), at).against
        assert found is not None
        assert found.percent == percent

    def test_the_first_day_has_nothing_to_be_compared_with(self, session: Session) -> None:
        ledger = Ledger()
        ledger.open(make.FIRST)
        make.feed(session, ledger.events)
        found = seen(session, Asked(), ZoneInfo("UTC"), make.moment(make.FIRST))
        assert found.today is not None
        assert found.against is None


completions = st.lists(
    st.tuples(st.integers(0, 70), st.integers(20, 24), st.integers(0, 23)), max_size=40
)


class TestTops:
    @given(told=completions, grain=st.sampled_from(Grain))
    def test_every_period_has_its_highest_reward_its_ties_and_the_first(
        self, session: Session, told: list[tuple[int, int, int]], grain: Grain
    ) -> None:
        begin, last = date(2026, 1, 30), date(2026, 4, 10)
        days = [begin + timedelta(days=each) for each in range((last - begin).days + 1)]
        ledger = opened(days, ZoneInfo("UTC"))
        for number, (day, dollars, hour) in enumerate(told):
            on = days[day]
            at = make.moment(on, hour)
            entry = ledger.entry("reward", ARA, dollars * 100, on, at=at, number=number)
            ledger.post(entry)
        with session.begin_nested() as undo:
            make.feed(session, ledger.events, [7] * 20)
            shown = seen(session, Asked(grain, begin, last), ZoneInfo("UTC"), make.moment(last, 23))
            undo.rollback()
        whole = Period(begin, last)
        by_period: dict[Period, list[Any]] = defaultdict(list)
        for each in ledger.entries:
            period = whole if grain is Grain.RANGE else period_of(grain, each.occurred_on)
            by_period[period].append(each)
        for period, running, top in shown.tops:
            mine = [each for each in ledger.entries if each.occurred_on in period]
            assert running == (last in period)
            assert (top is None) == (not mine)
            if top is not None:
                highest = max(each.amount_cents for each in mine)
                tied = [each for each in mine if each.amount_cents == highest]
                first = min(tied, key=lambda each: (each.occurred_at, each.source_id))
                assert (top.task.reward_cents, top.tasks) == (highest, len(tied))
                assert top.task.task_id == first.source_id
        periods = [period for period, _, _ in shown.tops]
        assert set(by_period) <= set(periods)
        assert len(set(periods)) == len(periods)
        assert periods[0] == shown.window.whole, "the whole comes first"
