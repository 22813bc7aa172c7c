"""A held night in a real Chromium: one person holds, another releases, and a letter goes again."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from ates.app import create_app
from ates.config import Config
from ates.kernel.db import transaction
from ates.tasks import service
from ates.tasks.titles import Wording
from tests.engines.house import as_json

from .conftest import Company
from .test_journey import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("browser")]

WHY = "the bank asked us to wait"


def test_a_held_night_is_released_by_somebody_else_and_its_letters_go_out(
    company: Company,
) -> None:
    day = a_day_of_work(company)
    rio, aurora = company.window_of("Rio"), company.window_of("Aurora")
    holds_the_day(rio, day)
    freezes(rio, "Kesha")
    sees_the_own_account_held(company.window_of("Kesha"))
    company.house.move_to(midnight_after(company, day) + timedelta(minutes=3))
    assert company.house.flask("accounting", "payout").returncode == 3
    cannot_release_the_own_hold(rio, day)
    releases_the_day(aurora, day)
    company.house.mail.mode = "refuse"
    paid = company.house.flask("accounting", "payout", "--json")
    assert paid.returncode == 0, paid.stderr
    assert [(each["people"], each["held_people"]) for each in as_json(paid)["days"]] == [(1, 1)]
    company.house.until(lambda: letters(company) == ["failed"], "the letter was refused")
    sends_it_again(company, rio, day)
    looks_right_on_a_telephone_and_in_both_languages(company, day)
    others_are_told_in_words(company, day)


# --- the day --------------------------------------------------------------------------------------


def a_day_of_work(company: Company) -> str:
    """Kesha and Rio are owed something; the day they earned it."""
    house = company.house
    people = house.rows("SELECT id, name FROM auth_person WHERE name IN ('Kesha', 'Rio')")
    app = create_app(Config.from_env(house.environ))
    earned: set[str] = set()
    with app.app_context():
        for number in range(60):
            with transaction("tasks") as session:
                wording = Wording(f"Count the parrots, take {number}")
                task = service.create_task(session, wording, by=UUID(str(people[0].id)))
                service.complete_task(session, task.number, by=task.assignee_id)
                earned.add(str(task.assignee_id))
            if len(earned) == 2:
                break
    app.extensions["ates.database"].close()
    house.settled()
    return str(house.one("SELECT min(business_date) FROM accounting_day WHERE state = 'open'"))


def midnight_after(company: Company, day: str) -> datetime:
    found = company.house.one(
        "SELECT ends_at FROM accounting_day WHERE business_date = :day", day=day
    )
    return found if isinstance(found, datetime) else datetime.fromisoformat(found)


def letters(company: Company) -> list[str]:
    return [row.state for row in company.house.rows("SELECT state FROM accounting_letter")]


# --- the acts -------------------------------------------------------------------------------------


def holds_the_day(page: Page, day: str) -> None:
    page.goto(f"/accounting/days/{day}")
    page.get_by_role("link", name="Hold its payout…").click()
    page.get_by_label("Reason").fill("because")
    page.get_by_role("button", name="Hold").click()
    expect(page).to_have_title(re.compile("^Error:"))
    expect(page.get_by_role("alert")).to_contain_text("Write the reason in 10 to 500 characters.")
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("main")).to_contain_text("Held")
    page.goto("/accounting/")
    expect(page.get_by_role("table", name="By day")).to_contain_text("Held")


def freezes(page: Page, name: str) -> None:
    page.goto("/accounting/accounts/")
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="Freeze…").click()
    page.get_by_label("Reason").fill("two people claim this account")
    page.get_by_role("button", name="Freeze the account").click()
    note = page.get_by_role("region", name="This account is held")
    expect(note).to_contain_text("two people claim this account")
    expect(note).to_contain_text("You set the hold; another person releases it.")
    expect(note.get_by_role("button")).to_have_count(0)


def sees_the_own_account_held(page: Page) -> None:
    page.goto("/accounting/me")
    tile = page.locator("dl.tiles > div").filter(has_text="Next payout")
    expect(tile).to_contain_text("held")
    expect(page.get_by_role("main")).not_to_contain_text("two people claim")


def cannot_release_the_own_hold(page: Page, day: str) -> None:
    page.goto(f"/accounting/payouts/{day}")
    note = page.get_by_role("region", name="is held; it and all later days are not paid")
    expect(note).to_contain_text(WHY)
    expect(note).to_contain_text("You set the hold; another person releases it.")
    expect(note.get_by_role("button")).to_have_count(0)


def releases_the_day(page: Page, day: str) -> None:
    page.goto(f"/accounting/payouts/{day}")
    page.get_by_role("button", name="Release").click()
    expect(page.locator("#notes")).to_contain_text("It is released.")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    page.goto("/accounting/payouts/preview")
    expect(page.get_by_role("table", name="Days that would be paid")).to_contain_text("Closed")


def sends_it_again(company: Company, page: Page, day: str) -> None:
    entries = company.house.one("SELECT count(*) FROM accounting_entry")
    page.goto(f"/accounting/payouts/{day}")
    row = page.locator("tbody tr").filter(has_text="Rio")
    expect(row).to_contain_text("550 5.7.1 not wanted")
    expect(page.get_by_role("link", name="Send all failed again (1)…")).to_be_visible()
    company.house.mail.mode = "accept"
    row.get_by_role("button", name="Send again").click()
    expect(page.locator("#notes")).to_contain_text("No money moves.")
    company.house.until(lambda: letters(company) == ["sent"], "it went out")
    (letter,) = [each for each in company.house.mail.letters if "payout" in each["Subject"]]
    assert letter["Message-ID"].startswith(f"<payout.{day}.")
    assert company.house.one("SELECT count(*) FROM accounting_entry") == entries


PAGES = (
    "/accounting/payouts/",
    "/accounting/payouts/{day}",
    "/accounting/payouts/preview",
    "/accounting/payouts/{day}/hold",
    "/accounting/holds/?all=1",
    "/accounting/holds/new",
)


def looks_right_on_a_telephone_and_in_both_languages(company: Company, day: str) -> None:
    page = company.window_of("Aurora", viewport={"width": 360, "height": 780})
    for language in ("en", "ru"):
        page.goto("/accounting/payouts/")
        if page.locator("html").get_attribute("lang") != language:
            page.locator(f"footer button[value={language}]").click()
        for place in PAGES:
            page.goto(place.format(day=day))
            expect(page.locator("html")).to_have_attribute("lang", language)
            assert sideways(page) <= 360, place
    page.locator("footer button[value=en]").click()


def others_are_told_in_words(company: Company, day: str) -> None:
    for name in ("Kesha", "Margo"):
        page = company.window_of(name)
        for place in PAGES:
            answer = page.goto(place.format(day=day))
            assert answer is not None
            assert answer.status == 403
            heading = page.get_by_role("heading", level=1)
            expect(heading).to_have_text("This page is for other roles")
