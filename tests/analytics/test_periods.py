"""Days, ISO weeks, months and ranges: which periods a page shows."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ates.analytics.queries.periods import EARLIEST, LATEST, MOST, Grain, Period, period_of, window

TODAY = date(2026, 11, 24)  # a Tuesday
ONE = timedelta(days=1)


def test_thirty_days_twelve_weeks_twelve_months_end_today() -> None:
    counts = {each: len(window(each, TODAY, None, None).periods) for each in Grain}
    assert counts == {Grain.DAY: 30, Grain.WEEK: 12, Grain.MONTH: 12, Grain.RANGE: 30}
    assert window(Grain.WEEK, TODAY, None, None).periods[-1] == Period(
        date(2026, 11, 23), date(2026, 11, 29)
    )
    assert window(Grain.MONTH, TODAY, None, None).first == date(2025, 12, 1)


def test_iso_weeks_begin_on_monday_and_ignore_the_year() -> None:
    week = period_of(Grain.WEEK, date(2027, 1, 1))
    assert (week.first, week.last) == (date(2026, 12, 28), date(2027, 1, 3))
    assert week.first.isocalendar()[1] == 53


def test_february_of_a_leap_year() -> None:
    assert period_of(Grain.MONTH, date(2028, 2, 29)).last == date(2028, 2, 29)


def test_weeks_asked_for_by_days_are_whole_and_a_range_is_not() -> None:
    first, last = date(2026, 11, 4), date(2026, 11, 17)
    weeks = window(Grain.WEEK, TODAY, first, last).periods
    assert (weeks[0].first, weeks[-1].last) == (date(2026, 11, 2), date(2026, 11, 22))
    free = window(Grain.RANGE, TODAY, first, last)
    assert (free.first, free.last, free.step) == (first, last, Grain.DAY)
    assert (free.whole, free.spans) == (Period(first, last), ())


def test_too_many_periods_are_cut_and_said_so() -> None:
    shown = window(Grain.DAY, TODAY, date(2020, 1, 1), TODAY)
    assert (len(shown.periods), shown.cut, shown.last) == (MOST, True, TODAY)


@given(
    grain=st.sampled_from(Grain),
    first=st.none() | st.dates(),
    length=st.none() | st.integers(0, 4000),
)
def test_periods_adjoin_and_cover_what_was_asked(
    grain: Grain, first: date | None, length: int | None
) -> None:
    reach = (date.max - first).days if first else 0
    last = first + min(length, reach) * ONE if first and length is not None else None
    shown = window(grain, TODAY, first, last)
    for before, after in zip(shown.periods, shown.periods[1:], strict=False):
        assert after.first == before.last + ONE
    assert all(each.first <= each.last for each in shown.periods)
    if first and last and first >= EARLIEST and last <= LATEST and not shown.cut:
        assert shown.first <= first
        assert last <= shown.last
        if grain is Grain.RANGE:
            assert (shown.first, shown.last) == (first, last)
