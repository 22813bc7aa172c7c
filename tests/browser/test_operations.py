"""A poisoned event found, explained and repaired by an admin in a real Chromium, pages alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.engines.house import House

from .conftest import PASSWORD, Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]
WHY = "the popug has left, nothing is owed"


def test_a_poisoned_event_is_found_explained_and_repaired(company: Company) -> None:
    house = company.house
    house.settled()
    first, second = poisoned_tasks(house)
    aurora = company.window_of("Aurora")
    sees_that_something_is_wrong(aurora)
    chooses_none(aurora)
    reads_the_error(aurora)
    retries_before_the_fix(aurora, house)
    mend_the_first(house)
    retries_after_the_fix(aurora, house)
    assert fees(house, first) == 1
    skips_the_other(aurora, house)
    assert fees(house, second) == 0
    aurora.goto("/ops/events/")
    expect(aurora.get_by_role("main")).to_contain_text("No event has failed.")
    aurora.goto("/ops/events/?state=skipped")
    aurora.get_by_role("link", name=re.compile("tasks.task_assigned")).click()
    expect(aurora.get_by_role("main")).to_contain_text(WHY)


# --- the poison -----------------------------------------------------------------------------------


def poisoned_tasks(house: House) -> tuple[int, int]:
    """Two tasks whose assignment accounting cannot read; their numbers."""
    house.kill("events")
    kesha = house.sign_in("kesha@popug.example", PASSWORD)
    for title in ("Count the parrots", "Feed the parrots"):
        kesha.submit("/tasks/new", "/tasks/", title=title)
    write(house, "UPDATE outbox SET data = replace(data, 'assignee_id', 'asignee_id')")
    house.start("events")
    house.until(lambda: len(parked(house)) == 2, "two events are parked")
    use_up_the_tries(house)
    found = house.rows("SELECT number FROM tasks_task ORDER BY number DESC LIMIT 2")
    (later,), (earlier,) = found
    return earlier, later


def write(house: House, statement: str) -> None:
    """Change rows behind everybody's back."""
    with house.database() as database, database.transaction() as session:
        session.connection().exec_driver_sql(statement)


def use_up_the_tries(house: House) -> None:
    """As after 17 minutes: from now on nothing heals by itself."""
    write(house, "UPDATE parked SET status = 'dead', next_at = NULL WHERE status = 'retry'")


def mend_the_first(house: House) -> None:
    write(
        house,
        "UPDATE event_log SET data = replace(data, 'asignee_id', 'assignee_id') WHERE position ="
        " (SELECT min(position) FROM parked)",
    )


def parked(house: House) -> list[tuple[str, int]]:
    rows = house.rows(
        "SELECT status, attempts FROM parked WHERE status IN ('retry', 'dead') ORDER BY position"
    )
    return [(row.status, row.attempts) for row in rows]


def fees(house: House, number: int) -> int:
    count: int = house.one(
        "SELECT count(*) FROM accounting_entry e JOIN tasks_task t ON t.id = e.source_id"
        " WHERE t.number = :number AND e.kind = 'fee'",
        number=number,
    )
    return count


# --- what an admin does ---------------------------------------------------------------------------


def sees_that_something_is_wrong(page: Page) -> None:
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Operations")
    tiles = page.locator("#ops-tiles")
    expect(tiles).to_contain_text("Workers")
    tiles.get_by_role("link", name=re.compile(r"^\d+, \d+$")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Parked events")


def chooses_none(page: Page) -> None:
    page.get_by_role("button", name="Retry chosen").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one event.")
    expect(page).to_have_title(re.compile("^Error:"))


def reads_the_error(page: Page) -> None:
    page.goto("/ops/events/?consumer=accounting")
    page.get_by_role("link", name=re.compile("tasks.task_assigned")).last.click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("assignee_id")
    page.get_by_text("Traceback").first.click()
    expect(main).to_contain_text("Traceback (most recent call last)")
    expect(main).to_contain_text("tasks.task_created")


def retries_before_the_fix(page: Page, house: House) -> None:
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator("#notes")).to_contain_text("1 event is tried again now.")
    house.until(lambda: parked(house)[0][1] == 1, "it failed again")
    page.reload()
    expect(page.get_by_text("try 1")).to_have_count(2)
    use_up_the_tries(house)


def retries_after_the_fix(page: Page, house: House) -> None:
    left = len(parked(house))
    page.get_by_role("button", name="Retry now").click()
    house.until(lambda: len(parked(house)) == left - 1, "it is booked")
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("handled")
    expect(page.get_by_role("button", name="Retry now")).to_have_count(0)


def skips_the_other(page: Page, house: House) -> None:
    page.goto("/ops/events/?consumer=accounting")
    page.get_by_role("link", name=re.compile("tasks.task_assigned")).click()
    page.get_by_role("link", name="Skip…").click()
    expect(page.get_by_role("main")).to_contain_text("What it should cause will never happen.")
    page.get_by_role("button", name="Skip this event").click()
    expect(page.get_by_role("alert")).to_contain_text("10 to 500 characters")
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Skip this event").click()
    expect(page.locator("#notes")).to_contain_text("The event is skipped")
    house.until(lambda: parked(house) == [], "nothing waits")


def test_the_first_page_keeps_itself_up_to_date(company: Company) -> None:
    """A worker that is away shows within seconds, without a reload (pages.md, 20)."""
    house = company.house
    aurora = company.window_of("Aurora")
    aurora.goto("/ops/")
    waiting = aurora.locator("#ops-tiles dd.big").nth(1)
    expect(waiting).to_have_text("0")
    house.kill("events")
    house.sign_in("kesha@popug.example", PASSWORD).submit("/tasks/new", "/tasks/", title="Sweep")
    expect(waiting).to_have_text("2", timeout=20_000)
    house.start("events")
    expect(waiting).to_have_text("0", timeout=20_000)


def test_cards_on_a_telephone_show_every_word(company: Company) -> None:
    """Nothing is cut, however long a language says it (pages.md, 28)."""
    aurora = company.window_of("Aurora", viewport={"width": 360, "height": 780})
    aurora.get_by_role("button", name="Русский").click()
    for place in ("/ops/", "/ops/events/", "/ops/workers"):
        aurora.goto(place)
        cut = aurora.locator(".scroll:has(table.stack)").evaluate_all(
            "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth).map(b => b.innerText)"
        )
        assert cut == [], place
    aurora.get_by_role("button", name="English").click()
