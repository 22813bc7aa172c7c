"""A very large shuffle in a window: it shows how far it came, and goes on by itself (R7)."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import expect

from ates.kernel import clock, ids
from ates.tasks.models import Run
from tests.browser.conftest import Company

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_a_page_of_a_run_turns_into_its_result_without_being_loaded_again(
    company: Company,
) -> None:
    house, margo = company.house, company.window_of("Margo")
    for number in range(3):
        margo.goto("/tasks/new")
        margo.get_by_label("Title").fill(f"Feed nest {number}")
        margo.get_by_role("button", name="Create and assign").click()
        expect(margo).not_to_have_url(re.compile("/tasks/new"))
    house.settled()
    house.kill("events")
    a_run_is_written_down(company)
    margo.goto("/tasks/shuffles/1")
    expect(margo.get_by_role("main")).to_contain_text("0 of 3. You may leave this page")
    house.start("events")
    expect(margo.get_by_role("main")).to_contain_text("To another popug", timeout=60_000)
    expect(margo).to_have_title("✓ Shuffle 1 · aTES")
    house.settled()
    expect(margo.get_by_role("main")).to_contain_text("All fees are booked", timeout=60_000)
    assert house.one("SELECT count(*) FROM tasks_assignment WHERE run = 1") == 3


def a_run_is_written_down(company: Company) -> None:
    """As a press does it when there are more tasks than one transaction should draw."""
    counts = ("drawn", "moved", "fees_cents", "unpriced", "least", "median", "most")
    presser = company.house.one("SELECT id FROM tasks_assignee WHERE name = 'Margo'")
    with company.house.database() as database, database.transaction() as session:
        session.add(
            Run(
                number=1,
                id=ids.new(),
                pressed_by=UUID(str(presser)),
                pressed_at=clock.now(),
                tasks=3,
                people=2,
                last_number=3,
                **dict.fromkeys(counts, 0),
            )
        )
