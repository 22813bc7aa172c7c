"""The pages of accounting: who sees what, and that each figure is the sum of its entries."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from ates.accounting.models import CommandRun, Hold
from ates.contracts.auth import Role
from ates.kernel import clock, ids
from tests.accounting.paper import (
    BEFORE,
    NOON,
    OTHER,
    TODAY,
    YESTERDAY,
    Desk,
    Paper,
    three_days,
)

TICK = timedelta(microseconds=1)


@pytest.fixture
def accountant(desk: Desk) -> FlaskClient:
    return desk.sign_in(Role.ACCOUNTANT)[0]


def text(client: FlaskClient, address: str, status: int = 200) -> str:
    """What a person reads: the page without its marks."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


class TestOwnAccount:
    def test_each_balance_follows_from_the_older_one_and_the_first_is_the_balance(
        self, desk: Desk
    ) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        three_days(desk, me)
        page = text(client, "/accounting/me")
        assert "Balance now $10.00" in page
        assert "Today +$10.00 rewards +$20.00, fees −$10.00" in page
        rows = re.findall(r"([+−]\$[\d.]+) (−?\$[\d.]+)(?= |$)", page.partition("Balance after")[2])
        assert rows == [
            ("+$20.00", "$10.00"),
            ("−$10.00", "−$10.00"),
            ("−$25.00", "$0.00"),
            ("+$39.00", "$25.00"),
            ("−$14.00", "−$14.00"),
        ]

    def test_an_entry_names_its_task_its_lateness_and_its_letter(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        three_days(desk, me)
        page = text(client, "/accounting/me")
        assert "No 7 Count the parrots" in page
        assert "late happened on 23 Nov 2026" in page
        assert "Payout for 22 Nov 2026 ✓ sent" in page

    def test_nobody_sees_another_account(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        three_days(desk, me)
        for address in (OTHER, ids.new()):
            assert "There is no such account." in text(
                client, f"/accounting/accounts/{address}", 404
            )
        page = text(client, "/accounting/me")
        assert "Gosha" not in page
        assert "−$13.00" not in page

    def test_filters_live_in_the_address(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        three_days(desk, me)
        fees = text(client, "/accounting/me?kind=fee")
        assert "Sum of these entries: −$24.00" in fees
        assert "Payout for" not in fees
        day = text(client, f"/accounting/me?from={BEFORE}&to={BEFORE}")
        assert "Sum of 3 entries: $0.00" in day
        assert "Nothing matches." in text(client, "/accounting/me?kind=adjustment")
        assert "could not be read: from, kind" in text(
            client, "/accounting/me?kind=tip&from=yesterday"
        ).replace("kind, from", "from, kind")

    def test_pages_of_a_long_ledger_meet_without_a_gap(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        with desk.write() as session:
            paper = Paper(session)
            for number in range(120):
                paper.entry("fee", me, -1000, number=number + 1)
            paper.write()
        seen: list[str] = []
        address = "/accounting/me?kind=fee"
        while address:
            body = client.get(address).text
            seen += re.findall(r'id="e(\d+)"', body)
            older = re.search(r'href="([^"]+)" rel="next"', body)
            last, address = address, unescape(older[1]) if older else ""
        assert seen == [str(number) for number in range(120, 0, -1)]
        newer = re.search(r'href="([^"]+)" rel="prev"', client.get(last).text)
        assert newer is not None
        middle = re.findall(r'id="e(\d+)"', client.get(unescape(newer[1])).text)
        assert middle == seen[50:100]

    def test_below_zero_is_said_and_carries_over(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        with desk.write() as session:
            paper = Paper(session)
            paper.entry("fee", me, -1700)
            paper.write()
        page = text(client, "/accounting/me")
        assert "−$17.00 ▼ below zero" in page
        assert "Nothing to pay; −$17.00 carries over" in page

    def test_nothing_yet(self, desk: Desk) -> None:
        page = text(desk.sign_in(Role.EMPLOYEE)[0], "/accounting/me")
        assert "No entries yet. The first task brings the first fee." in page
        page = text(desk.sign_in(Role.MANAGER)[0], "/accounting/me")
        assert "managers and administrators are not in the lot" in page

    def test_the_poll_answers_once_while_nothing_changes(self, desk: Desk) -> None:
        client, me = desk.sign_in(Role.EMPLOYEE)
        three_days(desk, me)
        first = client.get("/accounting/me/pending")
        assert 'id="standing"' in first.text
        assert "<form" not in first.text
        again = client.get(
            "/accounting/me/pending", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert again.status_code == 304


class TestBooks:
    def test_income_is_fees_minus_rewards_without_payouts_and_corrections(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        page = text(accountant, "/accounting/")
        assert "Management income today +$3.00 fees +$23.00, rewards −$20.00" in page
        assert "corrections +$2.45" in page
        assert "Owed to popugs now $10.00" in page
        assert "Below zero 1 −$30.55" in page
        assert "22 Nov 2026 1 $14.00 1 $39.00 −$25.00 $0.00 $25.00 ✓ Paid" in page
        assert "Books balance ✓" in page

    def test_every_linked_figure_opens_a_list_with_that_total(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        paper = three_days(desk, ids.new())
        body = accountant.get("/accounting/").text
        links = set(re.findall(r'href="(/accounting/entries/\?[^"]+)"', body))
        assert len(links) == 3 * 5
        for link in links:
            address = unescape(link)
            found = re.search(r"day=([\d-]+)&kind=(\w+)", address)
            assert found is not None
            kinds = ("fee", "reward") if found[2] == "income" else (found[2],)
            cents = paper.total(datetime.fromisoformat(found[1]).date(), *kinds)
            page = text(accountant, address)
            if cents:
                sign = "+" if cents > 0 else "−"
                assert f": {sign}${abs(cents) / 100:.2f}" in page
            else:
                assert "Nothing matches." in page

    def test_books_that_differ_are_said(self, desk: Desk, accountant: FlaskClient) -> None:
        three_days(desk, ids.new())
        with desk.write() as session:
            session.connection().exec_driver_sql(
                "UPDATE accounting_account SET balance_cents = balance_cents + 1400 WHERE id = 1"
            )
        assert "Books differ by $14.00" in text(accountant, "/accounting/")

    def test_the_day_is_the_one_that_contains_this_moment(self, desk: Desk) -> None:
        """The row's borders decide, to the microsecond, whatever the zone of a viewer."""
        three_days(desk, ids.new())
        midnight = datetime(2026, 11, 24, tzinfo=UTC)
        for moment, income in ((midnight, "+$3.00"), (midnight - TICK, "+$20.00")):
            with clock.frozen(moment):
                accountant, _ = desk.sign_in(Role.ACCOUNTANT)
                page = text(accountant, "/accounting/")
            assert f"Management income today {income}" in page

    def test_a_day_shows_its_sums_its_late_entries_and_what_it_waits_for(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        page = text(accountant, f"/accounting/days/{TODAY}")
        assert "The day still runs." in page
        assert "Fees 2 −$23.00" in page
        assert "happened on 23 Nov 2026" in page.partition("Late entries")[2]
        assert "The sums of people and of the day agree ✓" in page
        assert "Closed 24 Nov, 00:02" in text(accountant, f"/accounting/days/{YESTERDAY}")

    def test_entries_are_narrowed_by_person_and_task(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        task = text(accountant, "/accounting/entries/?task=8")
        assert "Sum of 3 entries: −$10.00" in task
        other = text(accountant, f"/accounting/entries/?user={OTHER}")
        assert "Person: Gosha P." in other
        assert "Sum of 3 entries: −$30.55" in other
        both = text(accountant, f"/accounting/entries/?user={OTHER}&task=8&kind=fee")
        assert "Sum of 1 entry: −$20.00" in both
        assert "Nothing matches." in text(accountant, f"/accounting/entries/?user={ids.new()}")

    def test_an_entry_has_a_page(self, desk: Desk, accountant: FlaskClient) -> None:
        three_days(desk, ids.new())
        page = text(accountant, "/accounting/entries/6")
        assert "Amount +$20.00 Balance after $10.00 Counts in 24 Nov 2026" in page

    def test_accounts_are_found_by_name_and_sorted(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        page = text(accountant, "/accounting/accounts/?sort=name")
        assert page.index("Gosha P.") < page.index("Kesha A.")
        below = text(accountant, "/accounting/accounts/?below=zero")
        assert "Gosha P." in below
        assert "Kesha" not in below
        assert "Kesha" in text(accountant, "/accounting/accounts/?q=kes")
        assert "Nothing matches." in text(accountant, "/accounting/accounts/?q=%25")

    def test_pages_of_accounts_meet_without_a_gap(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        with desk.write() as session:
            paper = Paper(session)
            for number in range(110):
                paper.entry("fee", UUID(int=0xC000 + number), -1000 - number % 3 * 100)
            paper.write()
        for order in ("owed", "below", "name"):
            address, seen = f"/accounting/accounts/?sort={order}", list[str]()
            while address:
                body = accountant.get(address).text
                seen += re.findall(r'<tr data-row><th scope="row"><a href="[^"]+/([\w-]+)"', body)
                older = re.search(r'href="([^"]+)" rel="next"', body)
                address = unescape(older[1]) if older else ""
            assert len(seen) == len(set(seen)) == 110

    def test_payouts_show_people_and_letters_and_hold_no_button(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        me = ids.new()
        three_days(desk, me)
        page = text(accountant, "/accounting/payouts/")
        assert "22 Nov 2026 ✓ Paid 1 $25.00 — 1 ✓ sent" in page
        assert "23 Nov 2026 is closed and not paid." in page
        body = accountant.get(f"/accounting/payouts/{BEFORE}").text
        assert "Kesha A." in body
        main = body.partition("<main")[2].partition("</main>")[0]
        assert "<form" not in main
        assert "<button" not in main

    def test_what_is_not_there_is_404(self, desk: Desk, accountant: FlaskClient) -> None:
        three_days(desk, ids.new())
        for address in (
            "entries/999",
            "days/2020-01-01",
            "days/today",
            f"accounts/{ids.new()}",
            "payouts/2020-01-01",
            f"payouts/{TODAY}",
        ):
            assert accountant.get(f"/accounting/{address}").status_code == 404, address


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
@pytest.mark.parametrize(
    "address",
    [
        "", "entries/", "entries/1", "accounts/", "payouts/", "journal/", "trial-balance",
        f"days/{TODAY}", f"days/{TODAY}/hours", f"days/{TODAY}/anomalies",
    ],
)  # fmt: skip
def test_the_books_are_for_bookkeepers(desk: Desk, role: Role, address: str) -> None:
    client, _ = desk.sign_in(role)
    assert "This page is for other roles" in text(client, f"/accounting/{address}", 403)


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_the_own_page(desk: Desk, role: Role) -> None:
    assert "My account" in text(desk.sign_in(role)[0], "/accounting/me")


def test_pages_ask_as_little_for_many_entries_as_for_few(
    desk: Desk, accountant: FlaskClient
) -> None:
    client, me = desk.sign_in(Role.EMPLOYEE)
    addresses = [
        (client, "/accounting/me"),
        (client, f"/accounting/me?kind=fee&from={TODAY}"),
        (accountant, "/accounting/"),
        (accountant, f"/accounting/days/{TODAY}"),
        (accountant, f"/accounting/days/{TODAY}/hours"),
        (accountant, f"/accounting/days/{TODAY}/anomalies"),
        (accountant, "/accounting/trial-balance"),
        (accountant, f"/accounting/trial-balance?to={BEFORE}"),
        (accountant, f"/accounting/journal/?day={TODAY}"),
        (client, "/accounting/fairness?task=7"),
        (accountant, f"/accounting/entries/?day={TODAY}&kind=fee"),
        (accountant, "/accounting/accounts/"),
        (accountant, "/accounting/payouts/"),
    ]
    counts = []
    with desk.write() as session:
        paper = Paper(session)
        for number in range(10):
            paper.entry("fee", me if number % 2 else UUID(int=0xD0), -1000, number=number + 1)
        paper.write()
    for entries in (10, 500):
        if entries == 500:
            _rewrite(desk, me, entries)
        counts.append([_statements(desk, *each) for each in addresses])
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 8


def _statements(desk: Desk, client: FlaskClient, address: str) -> int:
    with desk.counting() as counted:
        assert client.get(address).status_code == 200
    return sum(
        count for said, count in counted.items() if not said.startswith(("PRAGMA", "BEGIN", "SET"))
    )


def _rewrite(desk: Desk, me: UUID, entries: int) -> None:
    """The same books, longer."""
    tables = ("entry", "account_day", "day_total", "account", "day")
    with desk.write() as session:
        for table in tables:
            session.connection().exec_driver_sql(f"DELETE FROM accounting_{table}")
        paper = Paper(session)
        for number in range(entries):
            who = me if number % 2 else UUID(int=0xD0 + number)
            paper.entry("fee", who, -1000, number=number + 1)
        paper.write()


class TestPanel:
    def test_each_day_tells_its_state_letters_late_entries_and_what_to_look_at(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        with desk.write() as session:
            session.add(
                Hold(id=ids.new(), business_date=YESTERDAY, reason="the receipts", held_at=NOON)
            )
            session.add(Hold(id=ids.new(), reason="restored a backup", held_at=NOON))
        page = text(accountant, "/accounting/")
        assert "$25.00 ✓ Paid ✓ sent 1 0 0 0" in page
        assert "‖ Held unpaid for 11 h 58 min 0 0 1" in page
        assert "○ Open 1 0 2" in page  # late; late and a correction
        assert "are held until somebody releases them." in page
        assert "The command has not checked the books yet." in page

    def test_the_last_check_of_the_books_is_told(self, desk: Desk, accountant: FlaskClient) -> None:
        three_days(desk, ids.new())
        for minute, code in ((1, 0), (2, 4)):
            with desk.write() as session:
                at = NOON - timedelta(hours=1) + timedelta(minutes=minute)
                session.add(
                    CommandRun(
                        id=ids.new(), command="verify", started_at=at, finished_at=at, host="h",
                        pid=1, exit_code=code, report="{}",
                    )
                )  # fmt: skip
            page = text(accountant, "/accounting/")
            if code:
                assert "The check of 24 Nov, 11:02 found differences in the books." in page
            else:
                assert "by the command: 24 Nov, 11:01, without differences." in page

    def test_a_day_has_figures_hours_and_anomalies(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        day = text(accountant, f"/accounting/days/{BEFORE}")
        assert "Figures Hours Anomalies" in day
        assert "✓ Payouts, their entries and letters agree" in day
        assert "✓ sent 1" in day
        hours = text(accountant, f"/accounting/days/{TODAY}/hours")
        assert "09:00 2 $23.00 0 $0.00 +$23.00" in hours
        assert "on days before 0 $0.00 1 $20.00 −$20.00" in hours
        assert "✓ The figures of the day are the sum of its entries" in hours
        odd = text(accountant, f"/accounting/days/{TODAY}/anomalies")
        assert "Late entries (1)" in odd
        assert "Tasks without a name (1)" in odd
        assert "Corrections (1)" in odd
        assert "Gaps in assignment numbers (1)" in odd
        assert "Nothing is out of the ordinary in this day." in text(
            accountant, f"/accounting/days/{BEFORE}/anomalies"
        )

    def test_the_trial_balance_is_equal_on_both_sides(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        page = text(accountant, "/accounting/trial-balance")
        assert "As of now: all that is booked." in page
        assert "4000 Fee income $57.00" in page
        assert "Sum $82.00 $82.00 Debits and credits are equal ✓" in page
        one = text(accountant, f"/accounting/trial-balance?from={BEFORE}&to={BEFORE}")
        assert "What counts in 22 Nov 2026." in one
        assert "Sum $39.00 $39.00" in one
        assert "As of the end of 23 Nov 2026" in text(
            accountant, f"/accounting/trial-balance?to={YESTERDAY}"
        )
        assert "could not be read: to" in text(accountant, "/accounting/trial-balance?to=never")

    def test_the_journal_has_two_lines_for_each_entry(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        three_days(desk, ids.new())
        page = text(accountant, "/accounting/journal/")
        assert "22 Nov 2026 2000 Payable to popugs, Kesha A. Fee" in page
        assert "22 Nov 2026 4000 Fee income the same entry $14.00" in page
        assert "Sum of this page $143.45 $143.45" in page
        cash = text(accountant, "/accounting/journal/?account=1000")
        assert "Sum of this page $25.00 $25.00" in cash
        assert "Nothing matches." in text(accountant, "/accounting/journal/?account=1000&kind=fee")
        theirs = text(accountant, f"/accounting/journal/?user={OTHER}&day={TODAY}&account=2000")
        assert "Sum of this page $15.45 $15.45" in theirs

    def test_pages_of_the_journal_meet_without_a_gap(
        self, desk: Desk, accountant: FlaskClient
    ) -> None:
        with desk.write() as session:
            paper = Paper(session)
            for number in range(120):
                paper.entry("fee", OTHER, -1000, number=number + 1)
            paper.write()
        seen: list[str] = []
        address = f"/accounting/journal/?account=4000&from={TODAY}"
        while address:
            body = accountant.get(address).text
            seen += re.findall(r'id="e(\d+)"', body)
            older = re.search(r'href="([^"]+)" rel="next"', body)
            address = unescape(older[1]) if older else ""
        assert seen == [str(number) for number in range(120, 0, -1)]
