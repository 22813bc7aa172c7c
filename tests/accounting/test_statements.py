"""Statements: they add up, they chain, and they say what is not yet final (P11, P12)."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from ates.accounting import exports, payout
from ates.accounting.balances import as_of
from ates.accounting.models import Base
from ates.accounting.queries import statement_days, statement_list, statements
from ates.accounting.queries.statements import Statement, statement
from ates.accounting.statements import Period, Sums, carried
from ates.kernel import clock, ids
from tests.accounting.hands import unguard
from tests.accounting.make import ARA, BIBI, COCO, NAMES, Office, moment, worked_example
from tests.accounting.march import NOW, March
from tests.engines.marks import both
from tests.engines.people import Visitor

END = moment("30 12:00")


def on(day: int) -> date:
    return date(2025, 3, day)


class TestPeriod:
    @pytest.mark.parametrize(
        ("name", "first", "last", "grain"),
        [
            ("2025-03-27", on(27), on(27), "day"),
            ("2025-03", on(1), on(31), "month"),
            ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "month"),
            ("2025-03-27..2025-04-02", on(27), date(2025, 4, 2), "range"),
        ],
    )
    def test_a_period_stands_in_the_address(
        self, name: str, first: date, last: date, grain: str
    ) -> None:
        period = Period.parse(name)
        assert (period.first, period.last, period.grain, period.name) == (first, last, grain, name)

    @pytest.mark.parametrize(
        "name",
        ["", "2025", "2025-3", "20250327", "2025-W13-1", "2025-02-30", "2025-13", "0001-01-01",
         "9999-12-31", "2025-03..2025-04", "2025-03-28..2025-03-27", "2024-01-01..2025-01-01",
         "2025-03-27..", "٢٠٢٥-03", "2025-03-27\n"],
    )  # fmt: skip
    def test_what_is_none_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"period|range|month"):
            Period.parse(name)

    def test_a_whole_month_and_a_single_day_have_one_name(self) -> None:
        assert Period.parse("2025-03-01..2025-03-31").name == "2025-03"
        assert Period.parse("2025-03-05..2025-03-05").name == "2025-03-05"

    @given(st.dates(date(2001, 1, 1), date(2998, 12, 31)), st.booleans())
    def test_days_and_months_chain_without_a_gap(self, day: date, month: bool) -> None:
        period = Period.month_of(day) if month else Period(day, day)
        before, after = period.before(), period.after()
        assert before is not None
        assert after is not None
        assert before.last + timedelta(days=1) == period.first
        assert period.last + timedelta(days=1) == after.first
        assert before.after() == period == after.before()
        assert Period.parse(period.name) == period


# --- the worked example ---------------------------------------------------------------------------

CARRIED = {
    27: {ARA: -1755, BIBI: 0},
    28: {ARA: 0, BIBI: -2500, COCO: -2300},
    29: {ARA: -1300, BIBI: -200, COCO: 0},
}


def read(office: Office, who: UUID, period: str) -> Statement:
    with office.database.reading() as session:
        return statement(session, who, Period.parse(period), at=END)


@both
def test_the_worked_example_is_carried_forward_to_the_cent(office: Office, backend: str) -> None:
    list(worked_example(office))
    for day, people in CARRIED.items():
        for who, cents in people.items():
            found = read(office, who, f"2025-03-{day}")
            assert found.carried_cents == cents, (day, NAMES[who])
            assert found.differ_cents == 0
            assert [each.carried_cents for each in found.days] == [cents]
            assert [after for _, after in found.lines[-1:]] in ([cents], [])
    bibi = read(office, BIBI, "2025-03-27")
    assert bibi.sums == Sums(-1100, 3900, 0, -2800)
    assert [(line.kind, line.balance_cents, after) for line, after in bibi.lines] == [
        ("fee", -1100, -1100),
        ("reward", 2800, 2800),
        ("payout", -2500, 0),  # stored in the order of posting, after entries of the 28th
    ]
    month = read(office, BIBI, "2025-03")
    assert month.counts == {"fee": 3, "reward": 2, "payout": 1}
    assert (month.brought_cents, month.carried_cents) == (0, -200)
    assert [after for _, after in month.lines] == [-1100, 2800, 0, -1100, -2500, -200]


@both
def test_the_last_block_of_a_statement_is_that_of_its_last_entry(
    office: Office, backend: str
) -> None:
    list(worked_example(office))
    link = read(office, COCO, "2025-03-29").link
    assert link is not None
    assert (link.block_no, link.hash[:16]) == (18, "860016e9e09c5a5d")  # a golden vector


# --- any books ------------------------------------------------------------------------------------

PEOPLE = [UUID(int=0xA0 + number) for number in range(3)]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["fee", "reward", "adjust", "night", "wait"]),
        st.sampled_from(PEOPLE),
        st.integers(1, 3000),
        st.booleans(),
    ),
    max_size=25,
)


def play(office: Office, acts: list[Any]) -> Any:
    """Facts, some of them late, corrections and nights; gives the moment after all."""
    now, tasks, number = moment("27 20:00"), defaultdict[int, int](int), 0
    for what, who, amount, late in acts:
        now += timedelta(minutes=7)
        with clock.frozen(now):
            if what == "wait":
                now += timedelta(minutes=amount)
            elif what == "night":
                payout.run(office.database, office.books, payout.Limits(catch_up=400))
            elif what == "adjust":
                office.adjust(who, amount if late else -amount, now.isoformat(), id=9000 + number)
            else:
                happened = now - timedelta(minutes=amount if late else 0)
                task = amount % 5 + 1 if what == "fee" else 100 + number
                tasks[task] += 1
                at, posted = happened.isoformat(), now.isoformat()
                if what == "fee":
                    office.fee(who, task, tasks[task], at, now=posted)
                else:
                    office.reward(who, task, at, now=posted)
            number += 1
    return now


@both
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(acts=ACTS)
def test_statements_of_any_books_add_up_chain_and_are_read_back(
    fresh_office: Callable[[], Office], backend: str, acts: list[Any]
) -> None:
    office = fresh_office()
    end = play(office, acts)
    entries = office.entries()
    with office.database.reading() as session:
        for who in PEOPLE:
            own = [row for row in entries if row.person_id == who]
            if own:
                check_days(session, who, own, end)
                check_months(session, who, own, end)
                check_list(session, who, own)


def check_days(session: Session, who: UUID, own: list[Any], end: Any) -> None:
    holder = statement_days.holder_of(session, who)
    assert holder is not None
    first = min(row.business_date for row in own)
    last = max(row.business_date for row in own)
    closing = 0
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        found = statement(session, who, Period(day, day), at=end + timedelta(hours=1))
        assert found.brought_cents == closing
        assert found.differ_cents == 0
        closing = sum(row.amount_cents for row in own if row.business_date <= day)
        assert found.carried_cents == closing
        standing = {row.person_id: row.cents for row in session.execute(as_of(day))}
        assert standing[who] == closing
        assert [after for _, after in found.lines[-1:]] in ([closing], [])
        rows = list(exports.statement(session, holder, Period(day, day)))
        assert (rows[0][-1], rows[-1][-1]) == (found.brought_cents, closing)
        assert [(row[2], row[-2], row[-1]) for row in rows[1:-1]] == [
            (line.entry_no, line.amount_cents, after) for line, after in found.lines
        ]
        assert {line.entry_no for line, _ in found.lines} == {
            row.entry_no for row in own if row.business_date == day
        }
    assert closing == holder.balance_cents


def check_months(session: Session, who: UUID, own: list[Any], end: Any) -> None:
    closing, month = 0, Period.month_of(min(row.business_date for row in own))
    while month.first <= max(row.business_date for row in own):
        found = statement(session, who, month, at=end + timedelta(hours=1))
        assert found.brought_cents == closing
        closing = found.carried_cents
        inside = [row for row in own if month.first <= row.business_date <= month.last]
        rows = list(exports.statement(session, found.holder, month))
        assert [(row[2], row[-1]) for row in rows[1:-1]] == [
            (line.entry_no, after) for line, after in found.lines
        ]
        assert found.entries == len(inside) == sum(found.counts.values())
        assert found.sums.net_cents == sum(row.amount_cents for row in inside)
        month = month.after() or month
    assert closing == sum(row.amount_cents for row in own)


def check_list(session: Session, who: UUID, own: list[Any]) -> None:
    """Page by page, each day once, with the balance at its end."""
    seen, place = [], None
    while True:
        found = statement_list.all_of(session, who, after=place)
        for month in found.months:
            inside = [row for row in own if Period.month_of(row.business_date) == month.month]
            assert month.sums.net_cents == sum(row.amount_cents for row in inside)
            seen += [(each.day, each.carried_cents) for each in month.days]
        if found.older is None:
            break
        place = found.older
    days = sorted({row.business_date for row in own}, reverse=True)
    assert seen == [
        (day, sum(row.amount_cents for row in own if row.business_date <= day)) for day in days
    ]


@pytest.fixture
def fresh_office(app: Flask, office: Office) -> Callable[[], Office]:
    """Empty books again and again on one database."""

    def empty() -> Office:
        unguard(office)
        with office.database.transaction() as session:
            keep = {"accounting_posting_kind", "accounting_audit_head", "accounting_head"}
            tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
            for name in ["outbox", "event_log", *(each for each in tables if each not in keep)]:
                session.execute(text(f"DELETE FROM {name}"))
            session.execute(
                text(
                    "UPDATE accounting_head SET last_entry_no = 0, last_block_no = 0,"
                    " last_account_id = 0, said = 0, verified_block_no = 0, last_hash = :zero"
                ),
                {"zero": bytes(32)},
            )
        return office

    return empty


def test_carried_is_the_running_sum() -> None:
    assert carried(-100, [Sums(-10, 20, 5, 0), Sums(), Sums(payout_cents=-15)]) == [-85, -85, -100]


# --- the pages ------------------------------------------------------------------------------------


class TestPages:
    def test_a_paid_day_adds_up_and_names_its_letter(self, march: March) -> None:
        page = march.page("me/statements/2025-03-27")
        assert "Statement for 27 Mar 2025 UberPopug Inc · Kesha A. , QA Business day: UTC" in page
        for line in (
            "Carried over $0.00",
            "Rewards, 1 completed task +$39.00",
            "Fees, 1 assignment −$11.00",
            "Corrections, 0 entries $0.00",
            "Paid out · Letter: ⏳ queued −$28.00",
            "Left on the account $0.00",
            "The month up to this day: paid $28.00, rewards +$39.00, fees −$11.00",
            "Payout for 27 Mar 2025 ⏳ queued −$28.00 $0.00",
        ):
            assert line in page, page
        assert "so far" not in page

    def test_a_day_below_zero_carries_over_and_the_next_begins_there(self, march: March) -> None:
        page = march.page("me/statements/2025-03-28")
        assert "Paid out · nothing was due $0.00" in page
        assert "Left on the account ▼ below zero −$25.00" in page
        assert "Carried over from 28 Mar −$25.00" in march.page("me/statements/2025-03-29")

    def test_late_entries_and_corrections_are_marked_where_they_count(self, march: March) -> None:
        page = march.page("me/statements/2025-03-29")
        assert "▲ late happened on 28 Mar 2025 +$35.00 −$3.00" in page
        assert "± correction vet, receipt 118 Asked for by" in page
        assert "+$2.45 −$0.55" in page
        assert "Corrections, 1 entry +$2.45" in page

    def test_an_open_day_reads_so_far_and_has_no_payout(self, march: March) -> None:
        page = march.page("me/statements/2025-03-30")
        assert "Statement for 30 Mar 2025, so far" in page
        assert "On the account so far $22.45" in page
        assert "Paid out" not in page
        assert "All events up to" in page

    def test_a_closed_day_waits_for_its_payout(self, march: March) -> None:
        march.office.reward(COCO, 3, "30 10:00")
        hold = "UPDATE accounting_day SET state = 'closed', paid_at = NULL, payouts = NULL,"
        unguard(march.office)
        with march.office.database.transaction() as session:
            session.execute(text(f"{hold} payout_cents = NULL WHERE business_date = '2025-03-29'"))
        page = march.page("me/statements/2025-03-29")
        assert "the day is closed and its payout has not been made yet —" in page

    def test_a_month_shows_its_days_and_all_entries(self, march: March) -> None:
        page = march.page("me/statements/2025-03")
        assert "Statement for March 2025, so far" in page
        assert "Rewards, 3 completed tasks +$97.00" in page
        assert "Fees, 4 assignments −$49.00" in page
        assert "Paid out, 1 payout −$28.00" in page
        assert "On the account so far $22.45" in page
        assert "29 Mar 2025 +$35.00 −$13.00 +$2.45 $0.00 — −$0.55" in page
        assert page.count("Fee · ") == 4

    def test_a_range_is_asked_for_in_a_form(self, march: March) -> None:
        answer = march.get("me/statements/?from=2025-03-27&to=2025-03-28")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/me/statements/2025-03-27..2025-03-28")
        page = march.page("me/statements/2025-03-27..2025-03-28")
        assert "Statement for 27–28 Mar 2025" in page
        assert "Left on the account ▼ below zero −$25.00" in page
        backwards = march.page("me/statements/?from=2025-03-28&to=2025-03-27")
        assert "Choose at most a year of days, the first one first." in backwards

    def test_the_list_leads_to_each_day_and_month(self, march: March) -> None:
        page = march.page("me/statements/")
        assert "29 Mar 2025 +$35.00 −$13.00 +$2.45 $0.00 −$0.55 ✓ Paid" in page
        assert "The whole month +$97.00 −$49.00 +$2.45 $28.00" in page
        body = march.get("me/statements/").text
        for period in ("2025-03", "2025-03-27", "2025-03-30"):
            assert f'href="/accounting/me/statements/{period}"' in body
        first = march.page("me/statements/?after=2025-03-28")
        assert "28 Mar" not in first
        assert "27 Mar" in first

    def test_neighbours_are_linked_within_the_books(self, march: March) -> None:
        body = march.get("me/statements/2025-03-28").text
        assert 'href="/accounting/me/statements/2025-03-27" rel="prev"' in body
        assert 'href="/accounting/me/statements/2025-03-29" rel="next"' in body
        assert 'rel="next"' not in march.get("me/statements/2025-03-30").text
        assert 'rel="prev"' not in march.get("me/statements/2025-03-27").text  # books begin

    def test_a_sheet_has_room_for_so_many_entries(
        self, march: March, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(statements, "LINES", 3)
        page = march.page("me/statements/2025-03")
        assert "6 more entries are in the file." in page
        assert "Fees, 4 assignments −$49.00" in page

    def test_books_that_do_not_add_up_are_said(self, march: March) -> None:
        unguard(march.office)
        with march.office.database.transaction() as session:
            session.execute(
                text(
                    "UPDATE accounting_account_day SET fee_cents = fee_cents - 100"
                    " WHERE business_date = '2025-03-28'"
                )
            )
        page = march.page("me/statements/2025-03-28")
        assert "This statement does not add up: $1.00. Tell an accountant." in page

    def test_my_account_shows_the_month(self, march: March) -> None:
        page = march.page("me")
        assert "Ledger Statements" in page
        assert (
            "March 2025 : paid $28.00, rewards +$97.00, fees −$49.00 · corrections +$2.45" in page
        )

    def test_what_is_not_there_is_404(self, march: March) -> None:
        for period in ("2025-03-26", "2024-01", "2025-04", "2025-03-31", "yesterday", "2025"):
            assert march.get(f"me/statements/{period}").status_code == 404, period


class TestWhoSeesWhat:
    def test_bookkeepers_read_others_statements_and_that_is_recorded(self, march: March) -> None:
        for place in ("", "2025-03-27"):
            page = march.page(f"accounts/{march.who}/statements/{place}", by=march.accountant)
            assert "Your visit is recorded." in page
        account = f"account {read_account(march)}"
        assert march.acts() == [
            ("statement.read", account, '{"period": "all"}'),
            ("statement.read", account, '{"period": "2025-03-27"}'),
        ]

    def test_ones_own_is_nobodys_business(self, march: March) -> None:
        for place in ("", "2025-03-27"):
            assert "Your visit is recorded" not in march.page(f"me/statements/{place}")
            answer = march.get(f"accounts/{march.who}/statements/{place}")
            assert answer.headers["Location"].endswith(f"/accounting/me/statements/{place}")
        assert march.acts() == []

    @pytest.mark.parametrize("role", ["employee", "manager", "accountant", "admin"])
    def test_role_by_page(self, march: March, sign_in: Callable[..., Visitor], role: str) -> None:
        with clock.frozen(NOW):
            visitor = sign_in(role)
        allowed = role in ("accountant", "admin")
        for page in ("statements/", "statements/2025-03-27", "statements/2025-03/export.csv",
                     "export.csv"):  # fmt: skip
            found = march.get(f"accounts/{march.who}/{page}", by=visitor)
            assert found.status_code == (200 if allowed else 404)
            assert allowed or "Kesha" not in found.get_data(as_text=True)
            assert march.get(f"accounts/{ids.new()}/{page}", by=visitor).status_code == 404
            own = march.get(f"me/{page}", by=visitor).status_code
            assert own == (200 if page in ("statements/", "export.csv") else 404)
        assert len(march.acts()) == (4 if allowed else 0)

    def test_somebody_without_an_account_has_an_empty_list(
        self, march: March, sign_in: Callable[..., Visitor]
    ) -> None:
        with clock.frozen(NOW):
            manager = sign_in("manager")
        assert "No statements yet." in march.page("me/statements/", by=manager)


def read_account(march: March) -> int:
    with march.office.database.reading() as session:
        holder = statement_days.holder_of(session, march.who)
    assert holder is not None
    return holder.account_id


@both
def test_a_statement_asks_little_however_much_there_is(march: March, backend: str) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if not said.startswith(("PRAGMA", "BEGIN", "SET")):
            asked.append(said)

    event.listen(march.office.database.engine, "before_cursor_execute", note)
    for address in ("me/statements/", "me/statements/2025-03-27", "me/statements/2025-03", "me"):
        asked.clear()
        march.get(address)
        assert 0 < len(asked) <= 8, (address, asked)
