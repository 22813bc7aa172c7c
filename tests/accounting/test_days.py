"""Business days: their borders in any zone, the close, and what comes too late."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ates.accounting import closing
from ates.accounting.days import Borders, Calendar, day_of, following
from ates.contracts.accounting import DayClosed
from ates.contracts.tasks import TaskAssigned
from ates.kernel import clock
from ates.kernel.bus import publish
from tests.accounting.make import ARA, BIBI, Office, books, moment, task
from tests.engines.marks import both

H = timedelta(hours=1)


def days(zone: str, first: str, last: str) -> list[Borders]:
    begin = day_of(datetime.fromisoformat(first), ZoneInfo(zone))
    return [begin, *following(begin, ZoneInfo(zone), datetime.fromisoformat(last))]


def lengths(found: list[Borders]) -> dict[str, float]:
    return {str(day.business_date): (day.ends_at - day.starts_at) / H for day in found}


def test_a_day_may_have_23_or_25_hours() -> None:
    spring = days("Europe/Berlin", "2025-03-29T12:00+00:00", "2025-03-31T12:00+00:00")
    assert lengths(spring) == {"2025-03-29": 24, "2025-03-30": 23, "2025-03-31": 24}
    autumn = days("Europe/Berlin", "2025-10-25T12:00+00:00", "2025-10-27T12:00+00:00")
    assert lengths(autumn) == {"2025-10-25": 24, "2025-10-26": 25, "2025-10-27": 24}


def test_a_midnight_that_the_clock_skips_is_the_instant_of_the_jump() -> None:
    found = days("Asia/Beirut", "2025-03-29T12:00+00:00", "2025-03-30T12:00+00:00")
    assert found[1].starts_at == datetime(2025, 3, 29, 22, tzinfo=UTC)
    assert lengths(found) == {"2025-03-29": 24, "2025-03-30": 23}


def test_a_midnight_that_comes_twice_is_the_first() -> None:
    found = days("Atlantic/Azores", "2025-10-25T12:00+00:00", "2025-10-27T12:00+00:00")
    assert found[1].starts_at == datetime(2025, 10, 26, 0, tzinfo=UTC)
    assert lengths(found)["2025-10-26"] == 25


def test_a_date_that_never_was_is_skipped() -> None:
    found = days("Pacific/Apia", "2011-12-29T12:00+00:00", "2011-12-31T20:00+00:00")
    assert [str(day.business_date) for day in found] == ["2011-12-29", "2011-12-31", "2012-01-01"]
    assert lengths(found)["2011-12-31"] == 24


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Berlin", "Asia/Beirut", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Gaza"],
)
def test_days_adjoin_and_every_moment_is_in_one(zone: str) -> None:
    found = days(zone, "2011-12-01T00:00+00:00", "2012-12-31T00:00+00:00")
    for one, after in pairwise(found):
        assert one.ends_at == after.starts_at > one.starts_at
        assert one.business_date < after.business_date


def test_another_zone_moves_no_past_border() -> None:
    last = days("UTC", "2025-03-27T12:00+00:00", "2025-03-27T12:00+00:00")[-1]
    west = next(iter(following(last, ZoneInfo("America/New_York"), last.ends_at)))
    east = next(iter(following(last, ZoneInfo("Asia/Tokyo"), last.ends_at)))
    assert west.starts_at == east.starts_at == last.ends_at
    assert lengths([west, east]) == {"2025-03-28": 15}
    assert (west.ends_at - west.starts_at) / H == 28


def test_the_last_and_the_first_microsecond() -> None:
    found = days("UTC", "2025-03-27T12:00+00:00", "2025-03-29T12:00+00:00")
    calendar = Calendar(found, [day.business_date for day in found], found[0].starts_at)
    midnight = moment("28 00:00")
    assert calendar.natural(midnight - timedelta(microseconds=1)) == date(2025, 3, 27)
    assert calendar.natural(midnight) == date(2025, 3, 28)
    assert calendar.natural(moment("20 00:00")) == date(2025, 3, 27)


def test_the_next_day_has_its_row_before_it_begins(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 23:30")
    office.fee(ARA, 2, 1, "28 00:00:00.000000", now="27 23:59:20")
    assert [entry.business_date.day for entry in office.entries()] == [27, 28]


# --- the close ------------------------------------------------------------------------------------


@both
def test_a_day_is_closed_after_its_end_and_its_grace(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    assert office.run("28 00:01:59").silent
    assert office.days()[27].state == "open"
    assert office.run("28 00:02").closed == [date(2025, 3, 27)]
    assert office.days()[27].state == "paid"


def test_what_comes_before_the_close_counts_in_its_day_and_after_it_late(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(ARA, 2, 1, "27 23:59:59.999999", now="28 00:03")
    office.run("28 00:10")
    office.fee(BIBI, 3, 1, "27 23:59:40", now="28 10:00")
    counted = [(entry.business_date.day, entry.occurred_on.day) for entry in office.entries()]
    assert counted == [(27, 27), (27, 27), (28, 27)]
    assert office.verify("new") == []


@both
def test_a_day_waits_for_events_on_their_way(office: Office, drain: Any) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    _publish(office, "27 23:59:59", number=1)
    report = office.run("28 00:10")
    assert (report.exit_code, report.closed) == (3, [])
    assert [(wait.day.day, wait.events) for wait in report.waits] == [(27, 1)]
    with clock.frozen(moment("28 00:11")):
        drain()
    report = office.run("28 00:20")
    assert (report.exit_code, report.closed) == (0, [date(2025, 3, 27)])
    assert [entry.business_date.day for entry in office.entries()] == [27, 27]


def test_events_of_the_next_day_do_not_hold_up_the_close(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    _publish(office, "28 00:00", number=1)
    assert office.run("28 00:10").closed == [date(2025, 3, 27)]


def test_parked_events_are_counted_and_not_waited_for(
    office: Office, drain: Any, said: list[Any]
) -> None:
    office.fee(ARA, 5, 1, "27 09:00")
    _publish(office, "27 12:00", number=1, task_no=5)  # another moment: a conflict
    with clock.frozen(moment("27 12:01")):
        drain()
    report = office.run("28 00:10")
    assert (report.closed, report.parked, report.exit_code) == ([date(2025, 3, 27)], 1, 3)
    assert office.days()[27].parked == 1
    assert [each.parked for each in said if isinstance(each, DayClosed)] == [1]


def test_a_clock_that_is_far_ahead_seals_nothing(office: Office) -> None:
    for day in range(1, 10):
        office.fee(ARA, day, 1, f"{day:02} 09:00")
    report = office.run("10 00:10", catch_up=7)
    assert (report.exit_code, report.closed, report.days) == (1, [], [])
    assert "say --catch-up 9" in (report.error or "")
    assert office.dry_run("10 00:10").exit_code == 1
    assert len(office.run("10 00:10", catch_up=9).closed) == 9


def test_days_without_entries_do_not_count_towards_the_guard(office: Office) -> None:
    office.reward(ARA, 1, "01 09:00")
    report = office.run("31 00:10")
    assert (report.exit_code, len(report.closed), len(report.days)) == (0, 30, 30)
    assert [day.standing.people for day in report.days[:2]] == [1, 0]


def test_days_close_in_order_only(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(ARA, 2, 1, "28 09:00")
    with clock.frozen(moment("29 10:00")), office.database.transaction() as session:
        waiting = closing.close(session, office.books, date(2025, 3, 28))
    assert waiting == closing.Waiting(date(2025, 3, 28), 0)


def test_the_close_says_where_everybody_stands_also_when_a_payout_was_missed(
    office: Office, said: list[Any]
) -> None:
    office.reward(ARA, 1, "27 09:00")  # +31
    office.fee(ARA, 1, 1, "28 09:00")  # -20: as of the 28th below zero, once the 27th is paid
    office.run("29 00:10")
    assert [each.below_zero for each in said if isinstance(each, DayClosed)] == [0, 1]


def test_a_clock_that_goes_back_closes_nothing(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.run("28 00:10")
    assert office.run("27 22:10").silent
    office.fee(ARA, 2, 1, "27 22:20")
    assert [entry.business_date.day for entry in office.entries()] == [27, 28]


def test_books_of_another_zone_cut_their_days_there(office: Office) -> None:
    beirut = Office(office.database, books("Asia/Beirut"))
    beirut.fee(ARA, 1, 1, "29 21:59:59.999999")
    beirut.fee(ARA, 2, 1, "29 22:00", now="29 22:00:01")
    assert [entry.business_date.day for entry in beirut.entries()] == [29, 30]


def _publish(office: Office, at: str, *, number: int, task_no: int = 9) -> None:
    with clock.frozen(moment(at)), office.database.transaction() as session:
        publish(
            session,
            TaskAssigned(task_id=task(task_no), key_version=1, number=number, assignee_id=BIBI),
        )
