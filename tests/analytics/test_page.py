"""The page of analytics, and the command that compares its sums."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from ates.analytics.handlers import inbox
from ates.analytics.models import Head, Person
from ates.contracts.auth import Role
from ates.kernel import clock, db, ids
from ates.kernel.delivery import DRY, Drain
from ates.kernel.events import contract_of, meta_of
from ates.kernel.tables import consumer, event_log, parked
from tests.accounting.paper import NOON, TODAY, Desk, open_desk
from tests.analytics import make
from tests.analytics.make import ARA, BIBI, COCO, Ledger

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    with clock.frozen(NOON):
        yield opened
    with opened.app.app_context():
        db.database("analytics").close()


@pytest.fixture
def admin(desk: Desk) -> FlaskClient:
    return desk.sign_in(Role.ADMIN)[0]


def read(client: FlaskClient) -> str:
    answer = client.get("/analytics/")
    assert answer.status_code == 200, answer.text
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def two_days() -> Ledger:
    """Yesterday closed and paid; today with fees, rewards, a correction and a payout."""
    ledger = Ledger()
    ledger.open(YESTERDAY)
    ledger.open(TODAY)
    ledger.post(ledger.entry("fee", ARA, -1000, YESTERDAY))
    ledger.post(ledger.entry("reward", ARA, 3500, YESTERDAY, number=2))
    ledger.close(YESTERDAY)
    ledger.post(ledger.entry("payout", ARA, -2500, YESTERDAY))
    ledger.pay(YESTERDAY)
    ledger.post(
        ledger.entry("fee", BIBI, -1400, TODAY, number=3),
        ledger.entry("fee", COCO, -1900, TODAY, number=4),
        ledger.entry("reward", BIBI, 3000, TODAY, at=make.moment(TODAY, 11), number=5),
        ledger.entry("reward", COCO, 3000, TODAY, at=make.moment(TODAY, 10), number=6),
        ledger.entry("adjustment", COCO, -9900, TODAY),
        ledger.entry("fee", ARA, -1100, TODAY, number=7),
    )
    return ledger


def told(desk: Desk, events: list[Any]) -> None:
    """The log with these events, all of them handled."""
    logged(desk, events, position=len(events))
    with desk.write() as session:
        make.feed(session, events)


def logged(desk: Desk, events: list[Any], *, position: int = 0) -> None:
    """The log with these events, and the consumer at this position."""
    rows = []
    for place, each in enumerate(events, 1):
        meta, contract = meta_of(each), contract_of(type(each))
        rows.append(
            {
                "log": "ates",
                "position": place,
                "event_id": meta.id,
                "source": meta.source,
                "type": contract.type,
                "version": contract.version,
                "key": meta.key,
                "key_version": each.key_version,
                "occurred_at": meta.occurred_at,
                "data": contract.encode(each).decode(),
                "meta": "{}",
                "recorded_at": NOON,
            }
        )
    with desk.write() as session:
        session.execute(insert(event_log), rows)
        place_row = {"name": "analytics", "log": "ates", "position": position, "mode": "live"}
        session.execute(insert(consumer).values(**place_row))


class TestFigures:
    def test_income_counts_fees_and_rewards_alone(self, desk: Desk, admin: FlaskClient) -> None:
        told(desk, two_days().events)
        assert "fees +$44.00 , rewards −$60.00" in read(admin)
        assert "Management income today −$16.00" in read(admin)

    def test_below_zero_is_the_balance_now_and_losers_are_of_today(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        told(desk, two_days().events)
        assert "Popugs below zero now 2 of 3 1 lost money today" in read(admin)

    def test_the_most_expensive_task_is_the_first_completed_of_the_highest_reward(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        told(desk, two_days().events)
        page = read(admin)
        assert "Most expensive completed task today $30.00 No 6 Feed Polly +1 more" in page

    def test_a_table_below_the_chart_holds_the_same_figures(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        told(desk, two_days().events)
        page, body = read(admin), admin.get("/analytics/").text
        assert "24 Nov 2026 +$44.00 −$60.00 −$16.00 so far — 1 ○ Open" in page
        assert "23 Nov 2026 +$10.00 −$35.00 −$25.00 0 0 ✓ Paid" in page
        assert body.count("<rect") == 30
        assert "<title>24 Nov: −$16.00</title>" in body

    def test_today_is_the_row_that_contains_this_moment(self, desk: Desk) -> None:
        told(desk, two_days().events)
        last = make.moment(TODAY, 0) - timedelta(microseconds=1)
        for moment, income in ((last, "−$25.00"), (make.moment(TODAY, 0), "−$16.00")):
            with clock.frozen(moment):
                page = read(desk.sign_in(Role.ADMIN)[0])
            assert f"Management income today {income}" in page

    def test_nothing_completed_is_a_dash_and_zero_is_zero(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        assert "No day yet." in read(admin)
        ledger = Ledger()
        ledger.open(TODAY)
        told(desk, ledger.events)
        page = read(admin)
        assert "Management income today $0.00" in page
        assert "Most expensive completed task today — nothing completed" in page


class TestFreshness:
    def test_all_events_up_to_now_are_counted(self, desk: Desk, admin: FlaskClient) -> None:
        told(desk, two_days().events)
        assert "All events up to 24 Nov, 12:00:00 are counted" in read(admin)

    @pytest.mark.parametrize(
        ("seconds", "note"),
        [(20, ""), (200, "Figures are 3 min behind; 1 event waits."), (700, "Figures stand still")],
    )
    def test_what_waits_is_said_the_louder_the_older_it_is(
        self, desk: Desk, admin: FlaskClient, seconds: int, note: str
    ) -> None:
        ledger = two_days()
        told(desk, ledger.events)
        with desk.write() as session:
            last = ledger.said
            then = NOON - timedelta(seconds=seconds)
            session.execute(update(consumer).values(position=last - 1))
            session.execute(
                update(event_log).where(event_log.c.position == last).values(occurred_at=then)
            )
        page = read(admin)
        assert note in page
        compared = "against yesterday by" in page
        assert compared == (seconds < 600), "like is compared with like, or nothing"
        assert f"All events up to 24 Nov, {then:%H:%M:%S} are counted" in page

    def test_what_the_books_have_not_handled_is_missing_here_too(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        ledger = two_days()
        told(desk, ledger.events)
        then, last = NOON - timedelta(seconds=200), ledger.said
        at = event_log.c.position == last
        done = {"type": "tasks.task_completed", "occurred_at": then}
        books = {"name": "accounting", "log": "ates", "position": last - 1, "mode": "live"}
        with desk.write() as session:
            session.execute(update(event_log).where(at).values(done))
            session.execute(insert(consumer).values(books))
        page = read(admin)
        assert "Figures are 3 min behind; 1 event waits." in page
        assert f"All events up to 24 Nov, {then:%H:%M:%S} are counted" in page

    def test_a_stopped_ledger_is_red_and_says_since_when(
        self, desk: Desk, admin: FlaskClient
    ) -> None:
        ledger = two_days()
        told(desk, ledger.events)
        stopped = {
            "consumer": "analytics",
            "log": "ates",
            "position": ledger.said,
            "source": "accounting",
            "key": "ledger:main",
            "status": "dead",
            "attempts": 1,
        }
        with desk.write() as session:
            session.execute(insert(parked).values(**stopped))
        since = meta_of(ledger.events[-1]).occurred_at
        page = read(admin)
        assert (
            f"Figures stand still since {since.day} Nov, {since:%H:%M:%S}; 1 event waits." in page
        )

    def test_a_gap_stops_the_ledger_and_nothing_else(self, desk: Desk, admin: FlaskClient) -> None:
        """Delivered by the kernel: what came before counts, the rest waits for a person."""
        events = two_days().events
        missing = events.pop(3)
        assert missing.key_version == 4
        logged(desk, [*events, make.person(ARA, "Ara")])
        with desk.app.app_context():
            drain = Drain(db.database("analytics"), inbox)
            assert drain.run() == DRY
            with db.reading("analytics") as session:
                head = session.scalars(select(Head.key_version)).one()
                name = session.scalars(select(Person.name).where(Person.person_id == ARA)).one()
                states = session.scalars(select(parked.c.status).order_by(parked.c.position)).all()
        assert (head, name) == (3, "Ara")
        assert states == ["dead"] + ["blocked"] * (len(events) - 4)
        assert "Figures stand still since" in read(admin)


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.ACCOUNTANT, Role.MANAGER])
def test_analytics_is_for_administrators(desk: Desk, role: Role) -> None:
    answer = desk.sign_in(role)[0].get("/analytics/")
    assert answer.status_code == 403
    assert "This page is for other roles" in answer.text


def test_a_swapped_generation_is_what_the_page_shows(desk: Desk, admin: FlaskClient) -> None:
    told(desk, two_days().events)
    with desk.write() as session:
        session.execute(update(consumer).values(mode="retired"))
        place = {"name": "analytics@2", "log": "ates", "position": 0, "mode": "live"}
        session.execute(insert(consumer).values(**place))
        session.info["consumer"] = "analytics@2"
        ledger = Ledger()
        ledger.open(TODAY)
        ledger.post(ledger.entry("fee", ARA, -1200, TODAY))
        make.feed(session, ledger.events)
    assert "Management income today +$12.00" in read(admin)


def test_the_page_asks_as_little_for_many_entries_as_for_few(desk: Desk) -> None:
    admin, _ = desk.sign_in(Role.ADMIN)
    ledger = Ledger()
    ledger.open(TODAY)
    told(desk, ledger.events)
    counts = []
    for entries in (10, 500):
        block = [
            ledger.entry("fee", UUID(int=0xF0 + number), -1000, TODAY, number=number)
            for number in range(entries)
        ]
        ledger.post(*block)
        with desk.write() as session:
            make.feed(session, ledger.events[-1:])
        with desk.counting() as counted:
            admin.get("/analytics/")
        counts.append(
            sum(n for said, n in counted.items() if not said.startswith(("PRAGMA", "BEGIN", "SET")))
        )
    assert counts[0] == counts[1] <= 8


def test_ids_of_titles_that_were_never_told_are_shown(desk: Desk, admin: FlaskClient) -> None:
    ledger = Ledger()
    ledger.open(TODAY)
    ledger.post(ledger.entry("reward", ids.new(), 2000, TODAY))
    ledger.events[-1].cards.clear()
    told(desk, ledger.events)
    assert f"$20.00 {make.task(1)}" in read(admin)
