"""Analytics for programs: administrators alone, the figures of the page, lists in pages."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from ates.contracts.auth import Role
from ates.kernel import clock, db
from tests.accounting.paper import NOON, TODAY, YESTERDAY, Desk, open_desk
from tests.analytics import make
from tests.analytics.make import ARA, BIBI, COCO, Ledger

ROOT = "/api/v1/analytics"
PATHS = ["/today", "/days", "/top-tasks"]
FIRST = TODAY - timedelta(days=40)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Forty days of books; nothing here writes."""
    opened = open_desk(tmp_path_factory.mktemp("desk"))
    with opened.write() as session:
        make.feed(session, history().events)
    yield opened
    with opened.app.app_context():
        db.database("analytics").close()


def history() -> Ledger:
    ledger = Ledger()
    for number in range(41):
        ledger.open(FIRST + timedelta(days=number))
    for number in range(40):
        day = FIRST + timedelta(days=number)
        ledger.post(ledger.entry("fee", ARA, -1000 - number, day, number=number))
        ledger.post(ledger.entry("reward", BIBI, 2000 + 100 * (number % 21), day, number=number))
        ledger.close(day)
        ledger.post(ledger.entry("payout", BIBI, -2000 - 100 * (number % 21), day))
        ledger.pay(day)
    ledger.post(
        ledger.entry("fee", COCO, -1900, TODAY, number=50),
        ledger.entry("reward", COCO, 1000, TODAY, number=51),
    )
    return ledger


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def admin(desk: Desk) -> FlaskClient:
    return desk.caller(Role.ADMIN)[0]


def ask(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(ROOT + path)
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.ACCOUNTANT, Role.MANAGER])
def test_it_is_for_administrators(desk: Desk, role: Role, path: str) -> None:
    problem = ask(desk.caller(role)[0], path, 403)
    assert problem["detail"] == "This page is for other roles"


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_nobody_is_let_in(desk: Desk, path: str) -> None:
    ask(desk.app.test_client(), path, 401)


def test_today(admin: FlaskClient) -> None:
    assert ask(admin, "/today") == {
        "day": "2026-11-24",
        "income_cents": 900,
        "people_below_zero": 2,
        "people_lost_today": 1,
        "as_of": "2026-11-24T12:00:00Z",
    }


def test_a_day_that_nothing_was_booked_for_is_zero(admin: FlaskClient) -> None:
    with clock.frozen(NOON + timedelta(days=3)):
        found = ask(admin, "/today")
    assert (found["day"], found["income_cents"]) == ("2026-11-27", 0)


def test_days_come_newest_first_in_pages(admin: FlaskClient) -> None:
    first = ask(admin, "/days?limit=25")
    assert first["items"][:2] == [
        {"day": "2026-11-24", "income_cents": 900, "people_below_zero": None, "people_lost": 1},
        {"day": "2026-11-23", "income_cents": -2761, "people_below_zero": 1, "people_lost": 1},
    ]
    second = ask(admin, f"/days?limit=25&after={first['next']}")
    days = [each["day"] for each in first["items"] + second["items"]]
    assert days == sorted(set(days), reverse=True)
    assert (len(days), days[-1], second["next"]) == (41, str(FIRST), None)


def test_days_are_narrowed_by_both_ends(admin: FlaskClient) -> None:
    found = ask(admin, f"/days?from={YESTERDAY}&to={YESTERDAY}")
    assert [each["day"] for each in found["items"]] == [str(YESTERDAY)]


def test_the_most_expensive_task_of_each_week(admin: FlaskClient) -> None:
    found = ask(admin, "/top-tasks?period=week")["items"]
    assert [each["from"] for each in found] == [
        str(TODAY - timedelta(days=1 + 7 * number)) for number in range(7)
    ]
    newest = found[0]
    assert (newest["to"], newest["reward_cents"], newest["ties"]) == ("2026-11-29", 3800, 1)
    assert newest["task"]["title"] == "Feed Polly"
    assert newest["task"]["number"] == 39


def test_ties_are_counted_over_the_whole_range(admin: FlaskClient) -> None:
    (found,) = ask(admin, f"/top-tasks?period=range&from={FIRST}&to={TODAY}")["items"]
    assert (found["from"], found["to"]) == (str(FIRST), str(TODAY))
    assert (found["reward_cents"], found["ties"], found["task"]["number"]) == (4000, 1, 20)


def test_periods_come_in_pages_too(admin: FlaskClient) -> None:
    path = f"/top-tasks?period=day&from={FIRST}&limit=30"
    first = ask(admin, path)
    second = ask(admin, f"{path}&after={first['next']}")
    days = [each["from"] for each in first["items"] + second["items"]]
    assert (len(days), days[0], days[-1]) == (41, str(TODAY), str(FIRST))
    assert second["next"] is None


def test_nothing_completed_is_no_task(admin: FlaskClient) -> None:
    with clock.frozen(NOON + timedelta(days=1)):
        found = ask(admin, "/top-tasks?period=day")["items"][0]
    expected = {"from": "2026-11-25", "to": "2026-11-25", "reward_cents": 0, "task": None}
    assert found == {**expected, "ties": 0}


@pytest.mark.parametrize(
    ("path", "status", "pointer"),
    [
        ("/top-tasks?period=year", 422, "period"),
        ("/top-tasks?from=2026-02-30", 422, "from"),
        ("/days?limit=201", 422, "limit"),
        ("/days?colour=red", 422, ""),
        ("/days?after=broken", 400, None),
    ],
)
def test_what_cannot_be_read_is_refused(
    admin: FlaskClient, path: str, status: int, pointer: str | None
) -> None:
    problem = ask(admin, path, status)
    if pointer:
        assert pointer in str(problem["errors"])


@pytest.mark.parametrize("path", ["/days?", "/top-tasks?period=range&", "/top-tasks?"])
def test_an_end_before_the_beginning_is_an_empty_list(admin: FlaskClient, path: str) -> None:
    assert ask(admin, f"{path}from=2026-11-24&to=2026-11-23") == {"items": [], "next": None}


@pytest.mark.parametrize("period", ["day", "week", "month", "range"])
@pytest.mark.parametrize("ends", ["from=0001-01-01", "to=9999-12-31", "to=0001-01-01"])
def test_the_ends_of_the_calendar_break_nothing(admin: FlaskClient, period: str, ends: str) -> None:
    found = ask(admin, f"/top-tasks?period={period}&{ends}")
    assert len(found["items"]) <= 50
