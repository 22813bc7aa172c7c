"""A day in a real Chromium: with scripts, without them, and on a telephone."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, Company, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]
MONEY = re.compile(r"\$\d+\.\d\d")


def test_a_day(company: Company) -> None:
    kesha = the_door(company)
    own = creates_until_one_is_hers(kesha)
    finishes(company, kesha, own)
    margo = company.window_of("Margo")
    shuffles(margo)
    company.house.settled()
    for task in open_tasks(kesha):  # what the shuffle brought
        finishes(company, kesha, task)
    balance = earns(company, kesha)
    rio = company.window_of("Rio")
    sees_the_day(rio)
    midnight(company)
    is_paid(kesha, balance)
    rio.goto("/accounting/payouts/")
    expect(rio.get_by_role("main")).to_contain_text(balance)
    sees_the_figures(company)


def test_a_day_without_scripts(company: Company) -> None:
    """Every act is a form: nothing needs a script (pages.md, 27)."""
    kesha = company.window_of("Kesha", java_script_enabled=False)
    number = creates_until_one_is_hers(kesha)
    kesha.goto("/tasks/mine")
    row = kesha.locator(f"#t{number}")
    row.get_by_role("button", name="Done").click()
    expect(kesha).to_have_url(re.compile("/tasks/mine"))
    kesha.goto(f"/tasks/{number}")
    expect(kesha.get_by_role("main")).to_contain_text("Completed by")
    expect(kesha.get_by_role("button", name="Done")).to_have_count(0)
    margo = company.window_of("Margo", java_script_enabled=False)
    shuffles(margo)
    margo.get_by_role("button", name="Sign out").click()
    margo.goto("/tasks/")
    expect(margo).to_have_url(re.compile("/auth/sign-in"))


PLACES = {
    "Kesha": ["/tasks/mine", "/tasks/mine?status=done", "/tasks/", "/tasks/1", "/tasks/new",
              "/accounting/me", "/auth/me", "/help/money", "/help/shortcuts", "/nowhere"],
    "Margo": ["/tasks/shuffle", "/accounting/"],
    "Rio": ["/accounting/", "/accounting/entries/", "/accounting/accounts/",
            "/accounting/payouts/"],
    "Aurora": ["/analytics/", "/auth/people/", "/auth/people/new"],
}  # fmt: skip


def test_nothing_scrolls_sideways_on_a_telephone(company: Company) -> None:
    wide = []
    for name, places in PLACES.items():
        page = company.window()
        page.goto("/auth/sign-in")
        wide += too_wide(page, "the door")
        sign_in(page, name)
        for place in places:
            page.goto(place)
            wide += too_wide(page, f"{name} {place}")
    assert wide == []


def too_wide(page: Page, what: str) -> list[str]:
    found = []
    for width in (360, 320):
        page.set_viewport_size({"width": width, "height": 740})
        if sideways(page) > width:
            found.append(f"{what}: {sideways(page)} of {width}")
    return found


def sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


# --- the acts -------------------------------------------------------------------------------------


def the_door(company: Company) -> Page:
    """A wrong password is said, with the address kept; the right one leads home."""
    page = company.window()
    page.goto("/tasks/mine")
    page.get_by_label("E-mail").fill("kesha@popug.example")
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.locator("#errors")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("kesha@popug.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My tasks")
    return page


def creates_until_one_is_hers(page: Page) -> int:
    """Brackets are refused with the split filled in; the second press creates (R9)."""
    for number in range(1, 40):
        page.goto("/tasks/new")
        page.get_by_label("Title").fill(f"[POPUG-{number}] - Feed the parrot")
        page.get_by_role("button", name="Create and assign").click()
        expect(page.get_by_label("Title")).to_have_value("Feed the parrot")
        expect(page.get_by_label("Jira id")).to_have_value(f"POPUG-{number}")
        page.get_by_role("button", name="Create and assign").click()
        said = page.get_by_text(re.compile(r"Task \d+ is created"))
        found = re.search(r"Task (\d+) is created\. Assignee: (\w+)", said.first.inner_text())
        assert found
        if found[2] == "Kesha":
            return int(found[1])
    raise AssertionError("the lot never fell on Kesha")


def finishes(company: Company, page: Page, number: int) -> None:
    """Done changes the row in place, with one request; the booking shows without a reload."""
    page.goto("/tasks/mine")
    company.asked.clear()
    page.locator(f"#t{number}").get_by_role("button", name="Done").click()
    row = page.locator(f"#t{number}")
    expect(row.get_by_role("button", name="Done")).to_have_count(0)
    expect(row).to_contain_text(MONEY)
    expect(row).not_to_contain_text("pending")
    sent = [each.method for each in company.asked]
    assert sent.count("POST") == 1
    assert not any(each.is_navigation_request() for each in company.asked)


def open_tasks(page: Page) -> list[int]:
    page.goto("/tasks/mine")
    rows = page.locator("tr[id^=t]").filter(has=page.get_by_role("button", name="Done"))
    return [int(row.get_attribute("id")[1:]) for row in rows.all()]  # type: ignore[index]


def shuffles(page: Page) -> None:
    """The price of the button stands before it; what it did, after it (R7)."""
    page.goto("/tasks/new")
    page.get_by_label("Title").fill("Something to shuffle")
    page.get_by_role("button", name="Create and assign").click()
    expect(page).not_to_have_url(re.compile("/tasks/new"))
    page.goto("/tasks/shuffle")
    expect(page.get_by_role("main")).to_contain_text("Expected fees")
    page.get_by_role("button", name=re.compile(r"Shuffle \d+ task")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Shuffle \d+"))


def earns(company: Company, page: Page) -> str:
    """The own account, until it is positive: fees of many draws may weigh more than one reward."""
    for _ in range(20):
        company.house.settled()
        page.goto("/accounting/me")
        expect(page.get_by_role("main")).to_contain_text("Feed the parrot")
        shown = page.locator("#standing dd").first.inner_text()
        found = MONEY.search(shown)
        assert found, shown
        if not shown.startswith("−") and found[0] != "$0.00":
            return found[0]
        finishes(company, page, creates_until_one_is_hers(page))
    raise AssertionError("Kesha works and works and earns nothing")


def sees_the_day(page: Page) -> None:
    """Income today, led to its entries (R16, R18)."""
    page.goto("/accounting/")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Management income today")
    expect(main).to_contain_text("Books balance")
    main.locator("dl.tiles a").first.click()
    expect(page).to_have_url(re.compile("/accounting/entries/"))
    expect(page.get_by_role("main")).to_contain_text("Kesha")


def midnight(company: Company) -> None:
    now = company.house.now()
    next_day = datetime.combine(now.date() + timedelta(days=1), time(0, 3), UTC)
    company.house.move_to(next_day)
    done = company.house.flask("accounting", "payout")
    assert done.returncode == 0, done.stdout + done.stderr
    company.house.settled()


def is_paid(page: Page, balance: str) -> None:
    """The balance is zero, the log shows the payout (R17)."""
    page.goto("/accounting/me")
    expect(page.locator("#standing dd").first).to_contain_text("$0.00")
    expect(page.get_by_role("main")).to_contain_text(f"−{balance}")


def sees_the_figures(company: Company) -> None:
    aurora = company.window_of("Aurora")
    aurora.goto("/analytics/")
    main = aurora.get_by_role("main")
    expect(main).to_contain_text("Popugs below zero now")
    expect(main).to_contain_text("Management income by day")
    expect(main.locator("tbody tr").first).to_contain_text(MONEY)
