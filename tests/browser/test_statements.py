"""Statements in a real Chromium: found, printed on one sheet, taken along as a file."""

import csv
import io
import re
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from ates.accounting import payout
from ates.accounting.posting.facts import TaskCard
from ates.app import create_app
from ates.config import Config
from ates.kernel import clock
from tests.accounting.make import Office, task

from .conftest import Company
from .test_journey import sideways

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

TASKS = 6  # of a normal day


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the company of this module has been through already."""
    return {}


@pytest.fixture
def paid(company: Company, told: dict[str, Any]) -> tuple[Company, date, UUID]:
    """Yesterday Kesha had a normal day, and was paid for it; today has begun."""
    if not told:
        told["day"], told["who"] = _yesterday(company)
    return company, told["day"], told["who"]


def _yesterday(company: Company) -> tuple[date, UUID]:
    now = company.house.now()
    morning = datetime.combine(now.date() - timedelta(days=1), time(9), now.tzinfo)
    who = UUID(str(company.house.one("SELECT id FROM auth_person WHERE name = 'Kesha'")))
    app = create_app(Config.from_env(company.house.environ))
    with app.app_context():
        office = Office(app.extensions["ates.database"], app.extensions["ates.books"])
        for number in range(1, TASKS + 2):
            at = (morning + timedelta(minutes=number)).isoformat()
            with office.posting(morning) as unit:
                unit.seen(task(number), TaskCard(version=1, title=f"Feed parrot {number}",
                                                 jira_id=None, number=number))  # fmt: skip
            office.fee(who, number, 1, at, now=at)
            if number <= TASKS:
                office.reward(who, number, at, now=at)
        with clock.frozen(now):
            assert payout.run(office.database, office.books, payout.Limits()).days
        office.fee(who, 1, 2, now.isoformat(), now=now.isoformat())
        office.database.close()
    return morning.date(), who


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_popug_finds_the_statement_of_a_day(
    paid: tuple[Company, date, UUID], scripts: bool
) -> None:
    company, day, _ = paid
    kesha = company.window_of("Kesha", java_script_enabled=scripts)
    kesha.goto("/accounting/me")
    kesha.get_by_role("link", name="Statements").click()
    expect(kesha.get_by_role("heading", level=1)).to_have_text("My statements")
    kesha.locator(f'a[href$="/statements/{day}"]').click()
    expect(kesha.get_by_role("heading", level=1)).to_contain_text("Statement for")
    main = kesha.get_by_role("main")
    expect(main).to_contain_text(f"Rewards, {TASKS} completed tasks")
    expect(main).to_contain_text("Left on the account")
    expect(kesha.locator("tfoot td").first).to_have_text("$0.00")
    kesha.get_by_role("link", name="The one after →").click()
    expect(kesha.get_by_role("heading", level=1)).to_contain_text("so far")
    kesha.goto("/accounting/me")
    kesha.get_by_role("link", name=re.compile(r"^\w+ \d{4}$")).click()
    expect(kesha.get_by_role("main")).to_contain_text("By day")


def test_a_normal_day_is_printed_on_one_sheet_without_the_menu(
    paid: tuple[Company, date, UUID],
) -> None:
    company, day, _ = paid
    kesha = company.window_of("Kesha")
    for language in ("en", "ru"):
        in_language(kesha, language)
        kesha.goto(f"/accounting/me/statements/{day}")
        assert sheets(kesha.pdf(format="A4")) == 1
        kesha.emulate_media(media="print")
        for away in ("header.top", "footer", ".tabs", ".pager", ".files"):
            expect(kesha.locator(away).first).to_be_hidden()
        expect(kesha.get_by_role("main")).to_contain_text("UberPopug Inc · Kesha")
        kesha.emulate_media(media="null")
    in_language(kesha, "en")


def test_the_file_opens_in_the_language_of_the_reader(
    paid: tuple[Company, date, UUID],
) -> None:
    company, day, _ = paid
    kesha = company.window_of("Kesha")
    for language, comma in (("en", ","), ("ru", ";")):
        in_language(kesha, language)
        kesha.goto(f"/accounting/me/statements/{day}")
        with kesha.expect_download() as loading:
            kesha.locator(".files a").first.click()
        assert loading.value.suggested_filename == f"statement-{day}.csv"
        text = loading.value.path().read_bytes().decode()
        assert text.startswith("\ufeff")
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""),
                               delimiter=comma))  # fmt: skip
        assert len(rows) == 1 + 2 + 2 * TASKS + 1 + 1  # heading, frame, entries, payout
        assert rows[-1][-1] == ("0.00" if comma == "," else "0,00")
    in_language(kesha, "en")


def test_it_fits_a_telephone_in_both_languages(paid: tuple[Company, date, UUID]) -> None:
    company, day, _ = paid
    kesha = company.window_of("Kesha", color_scheme="dark")
    for language in ("ru", "en"):
        in_language(kesha, language)
        for place in ("", f"{day}", f"{day:%Y-%m}"):
            kesha.goto(f"/accounting/me/statements/{place}")
            for width in (360, 320):
                kesha.set_viewport_size({"width": width, "height": 740})
                assert sideways(kesha) <= width, (language, place, width)
        kesha.set_viewport_size({"width": 1280, "height": 800})


def test_an_accountant_reads_it_and_is_told_that_it_is_recorded(
    paid: tuple[Company, date, UUID],
) -> None:
    company, day, who = paid
    rio = company.window_of("Rio")
    rio.goto(f"/accounting/accounts/{who}")
    rio.get_by_role("link", name="Statements").click()
    expect(rio.get_by_role("heading", level=1)).to_have_text("Statements of Kesha")
    rio.locator(f'a[href$="/statements/{day}"]').click()
    expect(rio.get_by_role("main")).to_contain_text("Your visit is recorded.")
    with rio.expect_download() as loading:
        rio.get_by_role("link", name="for programs").click()
    assert loading.value.path().read_text().splitlines()[-1].startswith("total,")
    acts = company.house.rows("SELECT act FROM accounting_audit ORDER BY number")
    assert [row.act for row in acts][-2:] == ["statement.read", "export"]


# --- how ------------------------------------------------------------------------------------------


def in_language(page: Page, code: str) -> None:
    page.goto("/accounting/me/statements/")
    if page.locator("html").get_attribute("lang") != code:
        page.locator(f'footer button[value="{code}"]').click()
        expect(page.locator("html")).to_have_attribute("lang", code)


def sheets(pdf: bytes) -> int:
    """How many pages a document has."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
