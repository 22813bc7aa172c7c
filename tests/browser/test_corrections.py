"""A correction from the request to the own account of its owner, in a real Chromium."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]
WHY = "The lift was repaired by two of you"
AGAIN = "Заявка повторная, лифт уже оплачен"


def test_a_correction_goes_through_four_eyes(company: Company) -> None:
    entry = fee_of_kesha(company)
    rio, aurora = company.window_of("Rio"), company.window_of("Aurora")
    asks_for_an_amount(rio)
    asks_for_a_reversal(rio, entry)
    cannot_approve_the_own_request(rio)
    approves_and_rejects(aurora)
    reads_what_was_decided(rio, entry)
    kesha = company.window_of("Kesha")
    kesha.goto("/accounting/me")
    expect(kesha.get_by_role("main")).to_contain_text(WHY)
    expect(kesha.get_by_role("main")).to_contain_text("Asked for by Rio, approved by Aurora")
    in_russian_on_a_phone_without_script(company)


def in_russian_on_a_phone_without_script(company: Company) -> None:
    page = company.window(java_script_enabled=False, viewport={"width": 360, "height": 780})
    page.goto("/")
    page.get_by_label("E-mail").fill("aurora@popug.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Русский").click()
    page.goto("/accounting/corrections/new")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator("#person").fill("Kesha")
    page.locator("#amount_cents").fill("-3,50")
    page.locator("#reason").fill(AGAIN)
    fits(page)
    page.locator("main form[novalidate] button").click()
    expect(page).to_have_url(re.compile(r"/accounting/corrections/#c"))
    row = page.locator("tr[id]", has_text=AGAIN)
    expect(row).to_contain_text("−3,50")
    fits(page)
    for address in ("/accounting/corrections/new?entry=1", "/accounting/entries/1"):
        page.goto(address)
        fits(page)


def fits(page: Page) -> None:
    """Nothing scrolls sideways but tables in their boxes."""
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"{page.url} is {wider} px too wide"


def fee_of_kesha(company: Company) -> int:
    """The number of an entry of hers; she may have none yet."""
    house = company.house
    person = house.one("SELECT id FROM auth_person WHERE name = 'Kesha'")
    query = (
        "SELECT max(e.entry_no) FROM accounting_entry e JOIN accounting_account a"
        " ON a.id = e.account_id WHERE e.kind = 'fee' AND a.person_id = :person"
    )
    kesha = house.sign_in("kesha@popug.example", PASSWORD)
    found = house.one(query, person=str(UUID(str(person))))
    while found is None:  # the lot may fall on the accountant first
        kesha.submit("/tasks/new", "/tasks/", title="Repair the lift in the eastern cage")
        house.settled()
        found = house.one(query, person=str(UUID(str(person))))
    return int(found)


# --- what people do -------------------------------------------------------------------------------


def asks_for_an_amount(page: Page) -> None:
    page.goto("/accounting/")
    page.get_by_role("link", name="Corrections", exact=True).click()
    page.get_by_role("link", name="Request a correction").click()
    page.get_by_label("Person").fill("kesh")
    page.get_by_label("Amount").fill("1,200.5")
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Request the correction").click()
    expect(page.locator("#errors")).to_contain_text("Write 1200.50 or 1200,50")
    expect(page.locator("#errors")).to_be_focused()
    page.get_by_label("Amount").fill("12,50")
    page.get_by_role("button", name="Request the correction").click()
    expect(page.locator("#notes")).to_contain_text("waits for somebody else's approval")


def asks_for_a_reversal(page: Page, entry: int) -> None:
    page.goto(f"/accounting/entries/{entry}")
    page.get_by_role("link", name="Correct this entry").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Correct entry {entry}")
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Request the correction").click()
    page.goto(f"/accounting/entries/{entry}")
    expect(page.get_by_role("main")).to_contain_text(f"Entry {entry} is already corrected.")


def cannot_approve_the_own_request(page: Page) -> None:
    page.goto("/accounting/corrections/")
    main = page.get_by_role("main")
    expect(main.get_by_text("You asked for it; somebody else decides.")).to_have_count(2)
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)


def approves_and_rejects(page: Page) -> None:
    """By the keyboard: the reversal, which is the newer one, then not the amount."""
    page.goto("/accounting/")
    page.get_by_role("link", name=re.compile(r"^Corrections \(2 wait\)")).click()
    button = page.get_by_role("button", name=re.compile(r"^Approve \+\$12\.50 ?: Kesha"))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#notes")).to_contain_text("Approved: +$12.50 for Kesha is entry")
    page.get_by_role("button", name=re.compile("^Reject ?: Kesha")).click()
    expect(page.locator("#notes")).to_contain_text("Rejected. Nothing is booked.")


def reads_what_was_decided(page: Page, entry: int) -> None:
    page.goto(f"/accounting/entries/{entry}")
    expect(page.get_by_role("main")).to_contain_text("rejected")
    expect(page.get_by_role("link", name="Correct this entry")).to_be_visible()
    page.goto("/accounting/corrections/?state=approved")
    page.get_by_role("link", name=re.compile(r"^Entry \d+")).click()
    expect(page.get_by_role("main")).to_contain_text("approved by Aurora")
