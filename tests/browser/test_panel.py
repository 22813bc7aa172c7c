"""The panel of days and the page on fairness in a real Chromium, in both languages."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from ates.app import create_app
from ates.config import Config
from ates.kernel.db import transaction
from ates.tasks import service
from ates.tasks.titles import Wording

from .conftest import Company
from .test_journey import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]


@pytest.fixture
def busy(company: Company) -> Company:
    """Seven tasks were created, and five of them completed."""
    if not company.house.one("SELECT count(*) FROM tasks_task"):
        app = create_app(Config.from_env(company.house.environ))
        by = UUID(str(company.house.one("SELECT min(id) FROM auth_person")))
        with app.app_context(), transaction("tasks") as session:
            made = [service.create_task(session, Wording(f"Nest {n}"), by=by) for n in range(7)]
            for task in made[:5]:
                service.complete_task(session, task.number, by=task.assignee_id)
        app.extensions["ates.database"].close()
        company.house.settled()
    return company


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_bookkeeper_reads_the_day_the_journal_and_the_balance(
    busy: Company, scripts: bool
) -> None:
    page = busy.window_of("Rio", java_script_enabled=scripts)
    for language in ("ru", "en"):
        speak(page, language)
        reads_the_day(page, language)
        reads_the_ledger(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_everybody_may_check_how_prices_are_drawn(busy: Company, scripts: bool) -> None:
    page = busy.window_of("Kesha", java_script_enabled=scripts)
    for language in ("ru", "en"):
        speak(page, language)
        page.goto("/help/money")
        page.get_by_role("main").get_by_role("link").first.click()
        expect(page).to_have_url(re.compile("/accounting/fairness"))
        expect(page.locator("figure.chart rect")).to_have_count(11 + 21)
        page.locator("#task").fill("3")
        page.locator("#again button").click()
        expect(page).to_have_url(re.compile(r"task=3#again"))
        expect(page.locator("#again tbody tr")).to_have_count(2)
        expect(page.locator("#again")).to_contain_text("✓")
        expect(page.locator("#again")).not_to_contain_text("✕")
    page.goto("/tasks/3")
    page.get_by_role("main").locator("a[href*=fairness]").click()
    expect(page.locator("#task")).to_have_value("3")


def test_others_are_told_in_words(busy: Company) -> None:
    page = busy.window_of("Margo")
    for place in places(busy):
        answer = page.goto(place)
        assert answer is not None
        assert answer.status == (200 if place.endswith("fairness") else 403)


def test_nothing_scrolls_sideways_on_a_telephone(busy: Company) -> None:
    for theme in ("light", "dark"):
        page = busy.window_of("Rio", viewport={"width": 360, "height": 780}, color_scheme=theme)
        speak(page, "ru" if theme == "dark" else "en")
        for place in places(busy):
            page.goto(place)
            assert sideways(page) <= 360, place
        speak(page, "en")


# --- the acts -------------------------------------------------------------------------------------


def places(company: Company) -> list[str]:
    day = company.house.one("SELECT min(business_date) FROM accounting_day")
    return [
        f"/accounting/days/{day}", f"/accounting/days/{day}/hours",
        f"/accounting/days/{day}/anomalies", "/accounting/journal/", "/accounting/trial-balance",
        "/accounting/fairness",
    ]  # fmt: skip


def speak(page: Page, language: str) -> None:
    """The language is kept with the person: each test leaves the house in English."""
    page.goto("/accounting/fairness")
    if page.locator("html").get_attribute("lang") != language:
        page.locator(f"form.languages button[value={language}]").click()
    expect(page.locator("html")).to_have_attribute("lang", language)


def reads_the_day(page: Page, language: str) -> None:
    """Its figures, then its hours, which sum to them, then what is out of the ordinary."""
    page.goto("/accounting/")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".checks li")).to_have_count(3)
    expect(page.locator(".checks")).not_to_contain_text("✕")
    tabs = page.locator("nav.tabs a")
    expect(tabs).to_have_count(3)
    tabs.nth(1).click()
    expect(page).to_have_url(re.compile("/hours$"))
    expect(page.locator(".checks")).to_contain_text("✓")
    tabs.nth(2).click()
    expect(page).to_have_url(re.compile("/anomalies$"))
    expect(tabs.nth(2)).to_have_attribute("aria-current", "page")
    word = {"en": "Open", "ru": "Открыт"}[language]
    expect(page.locator(".head")).to_contain_text(word)


def reads_the_ledger(page: Page) -> None:
    """Debits are credits, in the balance and in the journal it leads to."""
    page.goto("/accounting/")
    page.locator(".actions a[href*=trial-balance]").click()
    debit, credit = page.locator("tfoot td").all_inner_texts()
    assert debit == credit
    page.get_by_role("link", name="4000", exact=True).click()
    expect(page).to_have_url(re.compile("account=4000"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2 * page.locator("tbody tr[data-row]").count())
    debit, credit = page.locator("tfoot td").all_inner_texts()
    assert debit == credit
