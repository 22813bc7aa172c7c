"""What a figure is made of: days, people behind a number, tasks that tie; on both databases."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.db import transaction
from tests.accounting.paper import NOON, TODAY, Desk, open_desk
from tests.analytics import make
from tests.analytics.make import ARA, BIBI, COCO, Ledger
from tests.engines.marks import both
from tests.engines.people import Visitor

YESTERDAY = TODAY - timedelta(days=1)
PAGES = [
    "/analytics/",
    "/analytics/?period=week",
    "/analytics/?period=month",
    "/analytics/?period=range",
    f"/analytics/days/{YESTERDAY}",
    f"/analytics/days/{YESTERDAY}/lost",
    f"/analytics/days/{YESTERDAY}/below-zero",
    "/analytics/below-zero",
    "/analytics/tasks/",
]


def shown(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def two_days(people: int = 0) -> Ledger:
    """Yesterday, on which `people` more than three lost money; and today."""
    ledger = Ledger()
    ledger.open(YESTERDAY)
    ledger.open(TODAY)
    crowd = [UUID(int=0xF000 + number) for number in range(people)]
    ledger.post(
        *(ledger.entry("fee", who, -1000 - 100 * (who.int % 7), YESTERDAY) for who in crowd),
        ledger.entry("fee", ARA, -1500, YESTERDAY, number=1),
        ledger.entry("fee", BIBI, -1900, YESTERDAY, number=2),
        ledger.entry("reward", BIBI, 3000, YESTERDAY, at=make.moment(YESTERDAY, 15), number=2),
        ledger.entry("reward", COCO, 3000, YESTERDAY, at=make.moment(YESTERDAY, 14), number=3),
        ledger.entry("reward", COCO, 2900, YESTERDAY, number=4),
    )
    ledger.close(YESTERDAY)
    ledger.post(ledger.entry("payout", COCO, -5900, YESTERDAY))
    ledger.pay(YESTERDAY)
    ledger.post(
        ledger.entry("fee", ARA, -1000, TODAY, at=make.moment(TODAY, 9), number=5),
        ledger.entry("adjustment", ARA, 4000, TODAY, number=6),
    )
    return ledger


@both
def test_both_databases_show_the_same(app: Flask, sign_in: Callable[..., Visitor]) -> None:
    names = [make.person(ARA, "Ara"), make.person(BIBI, "Bibi"), make.person(COCO, "Coco")]
    with clock.frozen(NOON):
        with app.app_context(), transaction("analytics") as session:
            make.feed(session, [*names, *two_days().events])
        admin = sign_in(Role.ADMIN)
        said = {path: shown(admin, path) for path in PAGES}
    assert "+$5.00, +100 % against yesterday by 12:00" in said["/analytics/"]
    week = said["/analytics/?period=week"]
    assert "23–29 Nov 2026 +$44.00 −$89.00 −$45.00 so far" in week
    assert "23–29 Nov 2026 so far $30.00 No 3 Feed Polly +1 more Coco" in week
    assert "Together, 7 Sep – 29 Nov 2026 so far $30.00 No 3 Feed Polly +1 more Coco" in week
    assert "November 2026 so far $30.00" in said["/analytics/?period=month"]
    assert "26 Oct – 24 Nov 2026 so far $30.00" in said["/analytics/?period=range"]
    day = said[f"/analytics/days/{YESTERDAY}"]
    assert "Management income −$55.00 fees +$34.00 , rewards −$89.00" in day
    assert "Below zero at the close 1 Show the list Lost money 1 Show the list" in day
    assert "Corrections $0.00 Paid out $59.00" in day
    assert "Ara −$15.00" in said[f"/analytics/days/{YESTERDAY}/lost"]
    assert "Ara −$15.00" in said[f"/analytics/days/{YESTERDAY}/below-zero"]
    assert "Nobody is below zero." in said["/analytics/below-zero"]
    tied = said["/analytics/tasks/"]
    assert tied.index("No 3 Feed Polly Coco 23 Nov, 14:00") < tied.index("No 2 Feed Polly Bibi")
    assert "No 4" not in tied


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A hundred and twenty people who lost money yesterday; nothing here writes."""
    opened = open_desk(tmp_path_factory.mktemp("desk"))
    with opened.write() as session:
        make.feed(session, two_days(120).events)
    return opened


@pytest.fixture
def admin(desk: Desk) -> Iterator[FlaskClient]:
    with clock.frozen(NOON):
        yield desk.sign_in(Role.ADMIN)[0]


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.ACCOUNTANT, Role.MANAGER])
def test_no_page_of_it_is_for_other_roles(desk: Desk, role: Role) -> None:
    client = desk.sign_in(role)[0]
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "This page is for other roles" in answer.text


@pytest.mark.parametrize(
    ("path", "behind"),
    [
        (f"/analytics/days/{YESTERDAY}/lost", f"/accounting/entries/?kind=income&day={YESTERDAY}&"),
        (f"/analytics/days/{YESTERDAY}/below-zero", f"/accounting/entries/?to={YESTERDAY}&"),
    ],
)
def test_a_list_of_people_goes_on_page_by_page(admin: FlaskClient, path: str, behind: str) -> None:
    seen, place = list[tuple[int, str]](), path
    while place:
        text = admin.get(place).text
        rows = re.findall(r"<bdi>([0-9a-f-]{36})</bdi>.*?neg\"><a href=\"(.*?)\">−\$(\d+)", text)
        seen += [(-int(dollars), who) for who, _, dollars in rows]
        assert all(behind in unescape(address) for _, address, _ in rows), (
            "each leads to its entries"
        )
        assert all(address.endswith(f"user={who}") for who, address, _ in rows)
        found = re.search(r'href="([^"]*after=[^"]*)" rel="next"', text)
        place = unescape(found[1]) if found else ""
    assert len(seen) == 121
    assert seen == sorted(set(seen))


def test_tasks_of_one_reward_are_found_by_it(admin: FlaskClient) -> None:
    path = f"/analytics/tasks/?from={YESTERDAY}&to={YESTERDAY}&reward=29"
    assert "Tasks completed for $29.00" in shown(admin, path)
    assert "No 4 Feed Polly" in shown(admin, path)
    assert "No task was completed at this reward." in shown(admin, f"{path[:-2]}39,50")


@pytest.mark.parametrize(
    ("query", "left_out"),
    [
        ("period=year", "period"),
        ("from=yesterday", "from"),
        ("from=2026-11-20&to=2026-11-19", "from, to"),
    ],
)
def test_what_cannot_be_read_falls_back_with_a_note(
    admin: FlaskClient, query: str, left_out: str
) -> None:
    page = shown(admin, f"/analytics/?{query}")
    assert f"Left out, because they could not be read: {left_out}" in page
    assert "Management income by day" in page


def test_older_days_are_a_click_away(admin: FlaskClient) -> None:
    page = shown(admin, "/analytics/?to=2026-11-10")
    assert "The books have no day of this time." in page
    assert "Newer" in page
    assert "Older" not in page


@pytest.mark.parametrize(
    "path", ["days/2020-01-01", "days/tomorrow", "days/2020-01-01/lost", "days/x/below-zero"]
)
def test_a_day_the_books_do_not_have_is_not_there(admin: FlaskClient, path: str) -> None:
    answer = admin.get(f"/analytics/{path}")
    assert answer.status_code == 404
    assert "The books have no such day." in answer.text


def test_a_broken_cursor_is_the_first_page(admin: FlaskClient) -> None:
    path = f"/analytics/days/{YESTERDAY}/lost"
    assert shown(admin, f"{path}?after=broken") == shown(admin, path)
