"""Payouts, holds and letters on their pages: what is shown to whom, and what each button does."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, current_app
from sqlalchemy import event, select, update

from ates.accounting.models import Hold, Payout, PayoutLetter
from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.mail import LetterState
from tests.accounting.hands import alter, unguard
from tests.accounting.make import Office, moment, person
from tests.engines.people import Visitor

WHY = "the bank asked us to wait"
DAY = "2025-03-27"
ARA, BIBI = (UUID(f"00000000-0000-4000-8000-0000000000a{n}") for n in (1, 2))
NOW = "28 02:00"


def text(client: Visitor, address: str, status: int = 200) -> str:
    """What a person reads: the page without its marks."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture
def night(office: Office) -> Iterator[Office]:
    """Ara and Bibi are owed something for the 27th; it is two in the morning of the 28th."""
    office.meet(person(ARA), person(BIBI))
    office.reward(ARA, 1, "27 09:00")  # +31
    office.adjust(BIBI, 1000, "27 10:00", id=77)
    with clock.frozen(moment(NOW)):
        yield office


@pytest.fixture
def rio(app: Flask, night: Office, sign_in: Any, drain: Any) -> Visitor:
    return keeper(sign_in, drain, "Rio", Role.ACCOUNTANT)


@pytest.fixture
def klavdia(app: Flask, night: Office, sign_in: Any, drain: Any) -> Visitor:
    return keeper(sign_in, drain, "Klavdia", Role.ADMIN)


def keeper(sign_in: Any, drain: Callable[[], None], name: str, role: Role) -> Visitor:
    made = sign_in(role, name=name)
    drain()
    assert isinstance(made, Visitor)
    return made


def run(office: Office) -> Any:
    """The command, which notes its runs."""
    return current_app.test_cli_runner().invoke(args=["accounting", "payout"])


def follow(client: Visitor, answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    return text(client, answer.location)


class TestHoldingADay:
    def test_one_person_holds_it_and_another_releases_it(
        self, night: Office, rio: Visitor, klavdia: Visitor
    ) -> None:
        night.run(NOW, through=moment("26 00:00").date())
        asked = text(rio, f"/accounting/payouts/{DAY}/hold")
        assert "This day and all later ones are not paid" in asked
        short = rio.submit(f"/accounting/payouts/{DAY}/hold", reason="because")
        assert (short.status_code, "10 to 500 characters." in short.text) == (422, True)
        shown = follow(rio, rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY))
        assert "‖ Held" in shown
        assert run(night).exit_code == 3
        mine = text(rio, f"/accounting/payouts/{DAY}")
        assert "27 Mar 2025 is held; it and all later days are not paid." in mine
        assert f"Rio : {WHY}" in mine.replace("Rio:", "Rio :")
        assert "You set the hold; another person releases it." in mine
        assert f"stopped by a hold: {WHY}" in mine
        refused = rio.post(f"/accounting/payouts/{DAY}/release", data=fields(rio))
        assert refused.status_code == 403
        assert "You set the hold; another person releases it." in refused.text
        page = f"/accounting/payouts/{DAY}"
        shown = follow(klavdia, klavdia.submit(page, f"{page}/release"))
        assert "It is released." in shown
        assert run(night).exit_code == 0
        assert "✓ Paid" in text(klavdia, page)

    @pytest.mark.parametrize(
        "address", ["/accounting/", "/accounting/payouts/", f"/accounting/days/{DAY}"]
    )
    def test_it_is_shown_as_held_wherever_its_state_is_shown(
        self, night: Office, rio: Visitor, address: str
    ) -> None:
        night.run(NOW, through=moment("26 00:00").date())
        rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        run(night)
        assert "‖ Held" in text(rio, address)

    def test_files_and_the_own_statements_say_so_too(
        self, night: Office, rio: Visitor, sign_in: Any, drain: Any
    ) -> None:
        kesha = sign_in(Role.EMPLOYEE)
        drain()
        night.adjust(kesha.person, 700, "27 11:00", id=78)
        rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        assert f"{DAY},held," in rio.get("/accounting/days/export.csv?dialect=plain").text
        assert "‖ Held" in text(kesha, "/accounting/me/statements/")

    def test_programs_read_it_too(self, night: Office, rio: Visitor, api: Any) -> None:
        rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        days = api(Role.ACCOUNTANT).get("/api/v1/accounting/days").json["items"]
        assert {day["day"]: day["state"] for day in days} == {DAY: "held"}

    def test_a_paid_day_has_no_such_button(self, night: Office, rio: Visitor) -> None:
        run(night)
        assert f"{DAY}/hold" not in rio.get(f"/accounting/payouts/{DAY}").text
        late = rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        assert late.status_code == 409
        assert "27 Mar 2025 is paid: there is nothing left to hold." in unescape(late.text)


def fields(client: Visitor, page: str = "/accounting/holds/new") -> dict[str, str]:
    """What a forged form would send: the guard of any other form."""
    shown = client.get(page).text
    return dict(re.findall(r'type="hidden" name="(csrf|key)" value="([^"]+)"', shown))


class TestFreezingAnAccount:
    def test_it_is_skipped_shown_to_its_owner_without_the_reason_and_released(
        self, night: Office, rio: Visitor, klavdia: Visitor, sign_in: Any, drain: Any
    ) -> None:
        kesha = sign_in(Role.EMPLOYEE, name="Kesha A.")
        drain()
        night.adjust(kesha.person, 700, "27 11:00", id=78)
        sheet = f"/accounting/accounts/{kesha.person}"
        assert "Freeze…" in text(rio, sheet)
        shown = follow(rio, rio.submit(f"{sheet}/hold", reason=WHY))
        assert "This account is held: every payout skips it." in shown
        assert WHY in shown
        assert "Freeze…" not in shown
        own = text(kesha, "/accounting/me")
        assert "Next payout held" in own
        assert "Payouts skip this account until the hold is released" in own
        assert WHY not in own
        run(night)
        assert "held 1 / $7.00" in text(rio, "/accounting/payouts/")
        hold = night.scalar(select(Hold.id))
        released = klavdia.submit(sheet, f"/accounting/holds/{hold}/release")
        assert "every payout skips it" not in follow(klavdia, released)
        assert "Next payout after midnight" in text(kesha, "/accounting/me")

    def test_somebody_without_an_account_cannot_be_frozen(
        self, night: Office, rio: Visitor, klavdia: Visitor
    ) -> None:
        assert "Freeze…" not in text(rio, f"/accounting/accounts/{klavdia.person}")
        assert rio.get(f"/accounting/accounts/{klavdia.person}/hold").status_code == 404


class TestHoldingEverything:
    PLACES = ("/accounting/", "/accounting/payouts/")

    def test_a_red_note_with_a_link_says_so_until_it_is_released(
        self, night: Office, rio: Visitor, klavdia: Visitor
    ) -> None:
        follow(rio, rio.submit("/accounting/holds/new", reason=WHY))
        for address in self.PLACES:
            page = text(rio, address)
            assert "All payouts, and the letters about them, are held" in page
            assert WHY in page
            assert 'href="/accounting/holds/"' in rio.get(address).text
        assert "are held until somebody releases them" in text(klavdia, "/ops/")
        hold = night.scalar(select(Hold.id))
        again = rio.submit("/accounting/holds/new", reason=WHY)
        assert (again.status_code, "held already" in again.text) == (409, True)
        shown = klavdia.submit("/accounting/holds/", f"/accounting/holds/{hold}/release")
        assert "Nothing is held." in follow(klavdia, shown)
        for address in (*self.PLACES, "/ops/"):
            assert "are held until" not in text(klavdia, address)
        over = text(rio, "/accounting/holds/?all=1")
        assert "released" in over
        assert "Klavdia" in over

    def test_what_the_check_of_the_books_held_anybody_who_keeps_them_releases(
        self, night: Office, rio: Visitor
    ) -> None:
        unguard(night)
        alter(night, "UPDATE accounting_account SET balance_cents = balance_cents + 1")
        run(night)
        page = text(rio, "/accounting/holds/")
        assert "by the check of the books" in page
        assert "The books differ: accounts sum to" in page
        assert "If they still differ, the next check holds everything again." in page
        hold = night.scalar(select(Hold.id))
        shown = rio.submit("/accounting/holds/", f"/accounting/holds/{hold}/release")
        assert "Nothing is held." in follow(rio, shown)
        run(night)
        assert "The books differ" in text(rio, "/accounting/payouts/")


class TestPreview:
    def test_it_is_the_dry_run_to_the_cent(self, night: Office, rio: Visitor) -> None:
        rio.submit(f"/accounting/accounts/{BIBI}/hold", reason=WHY)
        page = text(rio, "/accounting/payouts/preview")
        assert "27 Mar 2025 ○ Open 1 $31.00 0 / $0.00 1 / $10.00" in page
        assert (
            "<button"
            not in rio.get("/accounting/payouts/preview")
            .text.partition("<main")[2]
            .partition("</main>")[0]
        )
        run(night)
        assert "Nothing is left to pay." in text(rio, "/accounting/payouts/preview")

    def test_it_names_what_waits(self, night: Office, rio: Visitor) -> None:
        rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        page = text(rio, "/accounting/payouts/preview")
        assert f"27 Mar 2025 waits: it is held. {WHY}" in page

    def test_it_says_that_books_differ(self, night: Office, rio: Visitor) -> None:
        unguard(night)
        alter(night, "UPDATE accounting_account SET balance_cents = balance_cents + 1")
        page = text(rio, "/accounting/payouts/preview")
        assert "The books differ; nobody would be paid. accounts sum to $41.02" in page
        assert night.rows(select(Hold.id)) == [], "looking holds nothing"


def test_a_preview_says_that_the_clock_may_be_wrong(office: Office, sign_in: Any) -> None:
    for day in range(10, 20):
        office.fee(ARA, day, 1, f"{day} 09:00")
    with clock.frozen(moment(NOW)):
        page = text(sign_in(Role.ACCOUNTANT), "/accounting/payouts/preview")
    assert "the clock may be wrong. 10 days with entries, from 10 Mar 2025 to 19 Mar" in page


class TestLetters:
    def state(self, office: Office, *states: LetterState) -> None:
        """Ara's letter and Bibi's."""
        with office.database.transaction() as session:
            for account, state in enumerate(states, 1):
                session.execute(
                    update(PayoutLetter)
                    .where(PayoutLetter.account_id == account)
                    .values(state=state, next_try_at=None, reply="550 5.7.1 not wanted")
                )

    def rows(self, office: Office) -> list[tuple[str, str]]:
        question = select(PayoutLetter.state, PayoutLetter.message_id)
        found = office.rows(question.order_by(PayoutLetter.account_id))
        return [(row.state, row.message_id) for row in found]

    def test_a_failed_one_is_sent_again_as_the_same_letter_and_no_money_moves(
        self, night: Office, rio: Visitor
    ) -> None:
        run(night)
        self.state(night, LetterState.FAILED, LetterState.SENT)
        before = night.entries(), night.rows(select(Payout.__table__)), self.rows(night)
        page = f"/accounting/payouts/{DAY}"
        assert "✕ failed 550 5.7.1 not wanted" in text(rio, page)
        assert rio.get(page).text.count("Send again<") == 1
        shown = follow(rio, rio.submit(page, f"{page}/letters/{ARA}/again"))
        assert "The same letter goes out again. No money moves." in shown
        after = night.entries(), night.rows(select(Payout.__table__)), self.rows(night)
        assert after[:2] == before[:2]
        assert [each[1] for each in after[2]] == [each[1] for each in before[2]]
        assert [each[0] for each in after[2]] == ["queued", "sent"]

    def test_all_failed_ones_are_asked_about_first(self, night: Office, rio: Visitor) -> None:
        run(night)
        self.state(night, LetterState.FAILED, LetterState.FAILED)
        page = f"/accounting/payouts/{DAY}"
        assert "Send all failed again (2)…" in text(rio, page)
        assert "Send 2 letters again" in text(rio, f"{page}/again")
        assert [state for state, _ in self.rows(night)] == ["failed", "failed"]
        assert "2 letters go out again." in follow(rio, rio.submit(f"{page}/again"))
        assert [state for state, _ in self.rows(night)] == ["queued", "queued"]
        assert "There is nothing to send again." in text(rio, f"{page}/again")

    def test_one_in_doubt_is_sent_again_or_given_up(self, night: Office, rio: Visitor) -> None:
        run(night)
        self.state(night, LetterState.UNKNOWN, LetterState.UNKNOWN)
        page = f"/accounting/payouts/{DAY}"
        assert "It may have arrived" in text(rio, f"{page}/letters/{ARA}/give-up")
        follow(rio, rio.submit(f"{page}/letters/{ARA}/give-up"))
        rio.submit(page, f"{page}/letters/{BIBI}/again")
        assert [state for state, _ in self.rows(night)] == ["failed", "queued"]
        assert "not in doubt any more" in text(rio, f"{page}/letters/{ARA}/give-up")

    def test_a_letter_that_went_out_meanwhile_is_a_conflict(
        self, night: Office, rio: Visitor
    ) -> None:
        run(night)
        self.state(night, LetterState.SENT, LetterState.SENT)
        late = rio.post(f"/accounting/payouts/{DAY}/letters/{ARA}/again", data=fields(rio))
        assert late.status_code == 409
        assert "neither failed nor unknown any more" in late.text

    def test_the_list_counts_them_and_leads_to_them(self, night: Office, rio: Visitor) -> None:
        run(night)
        self.state(night, LetterState.FAILED, LetterState.SENT)
        assert "1 ✕ failed 1 ✓ sent" in text(rio, "/accounting/payouts/")
        failed = text(rio, f"/accounting/payouts/{DAY}?letter=failed")
        assert ("Ara" in failed, "Bibi" in failed) == (True, False)
        assert "Nothing matches." in text(rio, f"/accounting/payouts/{DAY}?letter=queued")


class TestPayouts:
    def test_a_day_says_which_runs_touched_it_and_who_carries_a_debt_over(
        self, night: Office, rio: Visitor
    ) -> None:
        night.fee(UUID(int=9), 5, 1, "27 12:00")
        run(night)
        page = text(rio, f"/accounting/payouts/{DAY}")
        assert "closed the day · finished it: 2 people, $41.00" in page
        assert "carried over 1 / −$14.00" in page
        assert "27 Mar 2025 ✓ Paid 2 $41.00 1 / −$14.00 2 ⏳ queued" in text(
            rio, "/accounting/payouts/"
        )

    def test_closed_and_unpaid_for_an_hour_is_a_red_note(self, night: Office, rio: Visitor) -> None:
        rio.submit(f"/accounting/payouts/{DAY}/hold", reason=WHY)
        run(night)
        with clock.frozen(moment("28 02:59")):
            assert "is closed and not paid" not in text(rio, "/accounting/payouts/")
        with clock.frozen(moment("28 03:01")):
            assert "27 Mar 2025 is closed and not paid." in text(rio, "/accounting/payouts/")

    def test_no_page_holds_a_control_that_pays(self, night: Office, rio: Visitor) -> None:
        run(night)
        for address in ("/accounting/payouts/", f"/accounting/payouts/{DAY}"):
            body = rio.get(address).text.partition("<main")[2].partition("</main>")[0]
            assert "<form" not in body

    @pytest.mark.parametrize("address", ["/accounting/payouts/", f"/accounting/payouts/{DAY}"])
    def test_they_ask_few_questions(self, night: Office, rio: Visitor, address: str) -> None:
        run(night)
        asked: list[str] = []

        def seen(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            if "accounting_" in statement and statement.startswith("SELECT"):
                asked.append(statement)

        event.listen(night.database.engine, "before_cursor_execute", seen)
        try:
            text(rio, address)
        finally:
            event.remove(night.database.engine, "before_cursor_execute", seen)
        assert len(asked) <= 8, "\n".join(asked)


PAGES = [
    "/accounting/payouts/",
    f"/accounting/payouts/{DAY}",
    "/accounting/payouts/preview",
    f"/accounting/payouts/{DAY}/hold",
    f"/accounting/payouts/{DAY}/again",
    f"/accounting/payouts/{DAY}/letters/{ARA}/give-up",
    f"/accounting/accounts/{ARA}/hold",
    "/accounting/holds/",
    "/accounting/holds/new",
]


def test_those_who_keep_the_books_see_them_and_nobody_else(night: Office, sign_in: Any) -> None:
    run(night)
    for role in Role:
        client, may = sign_in(role), role in (Role.ACCOUNTANT, Role.ADMIN)
        for address in PAGES:
            assert client.get(address).status_code == (200 if may else 403), (role, address)


@pytest.mark.parametrize(
    "address",
    [
        f"/accounting/payouts/{DAY}/hold",
        f"/accounting/payouts/{DAY}/release",
        f"/accounting/payouts/{DAY}/again",
        f"/accounting/payouts/{DAY}/letters/{ARA}/again",
        f"/accounting/payouts/{DAY}/letters/{ARA}/give-up",
        f"/accounting/accounts/{ARA}/hold",
        "/accounting/holds/new",
        f"/accounting/holds/{ARA}/release",
    ],
)
def test_a_forged_post_of_an_employee_does_nothing(
    night: Office, sign_in: Any, address: str
) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    answer = kesha.post(address, data={**fields(kesha, "/tasks/new"), "reason": WHY})
    assert answer.status_code == 403
    assert night.rows(select(Hold.id)) == []
