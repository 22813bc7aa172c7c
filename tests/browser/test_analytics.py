"""Analytics in a real Chromium: every figure leads to what it is made of, also without scripts."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from ates.app import create_app
from ates.config import Config
from ates.kernel.db import transaction
from ates.tasks import service
from ates.tasks.titles import Wording

from .conftest import Company
from .test_journey import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

TOP = """
    SELECT tasks, reward_cents FROM analytics_day_reward ORDER BY reward_cents DESC LIMIT 1
"""


@pytest.fixture
def busy(company: Company) -> Company:
    """A company that has completed tasks today, and some of them at the highest reward."""
    people = company.house.rows("SELECT id FROM auth_person ORDER BY id")
    for _ in range(8):
        top = company.house.rows(TOP)
        if top and top[0].tasks > 1:
            return company
        _work(company, UUID(str(people[0].id)))
        company.house.settled()
    raise AssertionError("two hundred tasks, and never two at the highest reward")


def _work(company: Company, by: UUID) -> None:
    app = create_app(Config.from_env(company.house.environ))
    with app.app_context(), transaction("tasks") as session:
        made = [
            service.create_task(session, Wording(f"Count the parrots, take {number}"), by=by)
            for number in range(25)
        ]
        for task in made[:20]:
            service.complete_task(session, task.number, by=task.assignee_id)
    app.extensions["ates.database"].close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_every_figure_leads_to_what_it_is_made_of(busy: Company, scripts: bool) -> None:
    page = busy.window_of("Aurora", java_script_enabled=scripts)
    follows_the_income(page)
    follows_the_people(page)
    follows_the_ties(busy, page)
    changes_the_period(page)


def test_others_are_told_in_words(company: Company) -> None:
    page = company.window_of("Rio")
    answer = page.goto("/analytics/")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is for other roles")
    expect(page.get_by_role("navigation", name="Areas")).not_to_contain_text("Analytics")


def test_nothing_scrolls_sideways_on_a_telephone(busy: Company) -> None:
    for theme in ("light", "dark"):
        page = busy.window_of("Aurora", viewport={"width": 360, "height": 780}, color_scheme=theme)
        day = busy.house.one("SELECT max(business_date) FROM analytics_day")
        for place in (
            "/analytics/?period=month", f"/analytics/days/{day}", f"/analytics/days/{day}/lost",
            "/analytics/below-zero", "/analytics/tasks/",
        ):  # fmt: skip
            page.goto(place)
            assert sideways(page) <= 360, place


# --- the acts -------------------------------------------------------------------------------------


def tile(page: Page, label: str) -> Locator:
    return page.locator("dl.tiles > div").filter(has_text=label)


def follows_the_income(page: Page) -> None:
    """The entries behind the tile have its sum."""
    page.goto("/analytics/")
    figure = tile(page, "Management income today").locator("dd.big")
    shown = figure.inner_text()
    figure.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/accounting/entries/\?.*kind=income"))
    expect(page.get_by_role("main")).to_contain_text(f"For management: {shown}")


def follows_the_people(page: Page) -> None:
    """As many people as the tile counts, below zero now and with a loss today."""
    page.goto("/analytics/")
    below = tile(page, "Popugs below zero now")
    lost = int(below.get_by_role("link").last.inner_text().split()[0])
    below.get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(r"/analytics/days/[\d-]+/lost"))
    expect(page.locator("tbody tr")).to_have_count(lost)
    page.go_back()
    now = int(below.locator("dd.big").inner_text().split()[0])
    below.locator("dd.big").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/accounting/accounts/\?below=zero"))
    expect(page.locator("tbody tr")).to_have_count(now)


def follows_the_ties(company: Company, page: Page) -> None:
    """The first completed is named; the others are a click away."""
    page.goto("/analytics/")
    ((tasks, cents),) = company.house.rows(TOP)
    top = tile(page, "Most expensive completed task today")
    expect(top.locator("dd.big")).to_have_text(f"${cents // 100}.00")
    top.get_by_role("link", name=f"+{tasks - 1} more").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Tasks completed for ${cents // 100}.00"
    )
    expect(page.locator("tbody tr")).to_have_count(tasks)
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/tasks/\d+"))


def changes_the_period(page: Page) -> None:
    """The filter lives in the address; the table holds what the bars show."""
    page.goto("/analytics/")
    for word, bars in (("Week", 12), ("Month", 12), ("Day", 30)):
        page.get_by_role("navigation", name="Period").get_by_role("link", name=word).click()
        expect(page).to_have_url(re.compile(f"period={word.lower()}"))
        expect(page.locator("figure.chart rect")).to_have_count(bars)
        expect(page.locator("rect.unfinished")).to_have_count(1)
        first = page.get_by_role("table", name=f"Management income by {word.lower()}")
        expect(first.locator("tbody tr").first).to_contain_text("so far")
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To").fill("2020-01-31")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("from=2020-01-01"))
    page.goto("/analytics/?period=year&from=2026-11-30&to=2026-11-01")
    expect(page.get_by_role("main")).to_contain_text(
        "Left out, because they could not be read: period, from, to"
    )
