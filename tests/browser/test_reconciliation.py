"""The reconciliation in a real Chromium: what is on its way, what is lost, in both languages."""

import gettext
import re

import pytest
from playwright.sync_api import Page, expect

from ates.web.i18n import FOLDER
from tests.engines.house import House

from .conftest import PASSWORD, Company
from .test_journey import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

AGREE = "Tasks, accounting and analytics agree."


def test_a_lost_event_is_told_from_one_that_is_late(company: Company) -> None:
    house = company.house
    write_task(house, "Count the parrots")
    house.settled()
    rio = company.window_of("Rio")
    comes_from_accounting(rio)
    expect(rio.locator("#verdict")).to_have_text(AGREE)
    house.kill("events")
    write_task(house, "Feed the parrots")
    sees_it_is_on_its_way(rio)
    house.start("events")
    house.settled()
    rio.reload()
    expect(rio.locator("#verdict")).to_have_text(AGREE)
    house.kill("events")
    lost = write_task(house, "Ring the parrots")
    lose_its_assignment(house)
    house.start("events")
    house.until(lambda: not house.rows("SELECT 1 FROM outbox"), "the rest is numbered")
    house.until(lambda: is_priced(house, lost), "the rest is heard")
    sees_which_task_is_lost(rio, lost)
    reads_it_in_russian(company, lost)
    nothing_scrolls_sideways(company)


@pytest.mark.parametrize("name", ["Kesha", "Margo"])
def test_others_are_told_in_words(company: Company, name: str) -> None:
    page = company.window_of(name)
    answer = page.goto("/ops/reconciliation")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is for other roles")


# --- the acts -------------------------------------------------------------------------------------


def write_task(house: House, title: str) -> int:
    """Kesha writes it down; its number."""
    house.sign_in("kesha@popug.example", PASSWORD).submit("/tasks/new", "/tasks/", title=title)
    number: int = house.one("SELECT max(number) FROM tasks_task")
    return number


def lose_its_assignment(house: House) -> None:
    with house.database() as database, database.transaction() as session:
        session.connection().exec_driver_sql(
            "DELETE FROM outbox WHERE type = 'tasks.task_assigned'"
        )


def is_priced(house: House, number: int) -> bool:
    """Accounting has heard of the creation."""
    found = house.rows(
        "SELECT 1 FROM accounting_card c JOIN tasks_task t ON t.id = c.task_id WHERE t.number = :n",
        n=number,
    )
    return bool(found)


def comes_from_accounting(page: Page) -> None:
    page.goto("/accounting/")
    page.get_by_role("link", name="Reconciliation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reconciliation")


def sees_it_is_on_its_way(page: Page) -> None:
    page.reload()
    expect(page.locator("#verdict")).to_contain_text("Nothing differs.")
    found = page.get_by_role("table", name="What was found")
    expect(found).to_contain_text("Assignments on their way to accounting: 1")
    expect(found).to_contain_text("It comes by itself.")


def sees_which_task_is_lost(page: Page, number: int) -> None:
    page.reload()
    expect(page.locator("#verdict")).to_have_text("1 difference between the parts")
    found = page.get_by_role("table", name="What was found")
    expect(found).to_contain_text("Assignments without a fee: 1")
    expect(found).to_contain_text("flask accounting verify --full")
    expect(page.locator("#days")).to_contain_text("differs")
    found.get_by_role("link", name=f"No {number}, assignment 1").click()
    expect(page).to_have_url(re.compile(f"/tasks/{number}$"))


def reads_it_in_russian(company: Company, number: int) -> None:
    """Also without scripts; an admin is led to the parked events too."""
    russian = gettext.translation("messages", FOLDER, ["ru"]).gettext
    page = company.window_of("Aurora", java_script_enabled=False)
    page.goto("/ops/reconciliation?days=3")
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("heading", level=1)).to_have_text(russian("Reconciliation"))
    named = russian("No %(number)s, assignment %(draw)s") % {"number": number, "draw": 1}
    expect(page.get_by_role("link", name=named)).to_have_count(1)
    expect(page.get_by_role("link", name=russian("Parked events"))).to_have_count(1)
    page.get_by_role("button", name="English").click()


def nothing_scrolls_sideways(company: Company) -> None:
    for theme in ("light", "dark"):
        page = company.window_of("Rio", viewport={"width": 360, "height": 780}, color_scheme=theme)
        page.goto("/ops/reconciliation")
        assert sideways(page) <= 360, theme
