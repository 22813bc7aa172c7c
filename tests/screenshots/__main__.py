"""Take all pictures into build/screenshots, and those that the README shows into docs/pictures.

The company, its prices and the clock are always the same: a picture changes when a page does.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.engines import chromium, company, run, wake
from tests.engines.house import HOME, House
from tests.engines.smtp import MailServer

ALL = HOME / "build" / "screenshots"
SHOWN = HOME / "docs" / "pictures"
NOW = company.NOW + timedelta(minutes=1)
SIZES = {"wide": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}

# Who shows a page: in English, in Russian. Of the employees it is who has most to show.
PEOPLE = {
    "manager": ("margo", "varvara"),
    "accountant": ("rio", "klavdia"),
    "admin": ("aurora", "innokenty"),
}
PASSWORD = "popug-{}"


@dataclass(frozen=True)
class Shot:
    """A page as somebody sees it."""

    role: str
    page: str
    name: str


def shots(house: House) -> list[Shot]:
    """Each role's home, and the pages worth a look."""
    day = house.one("SELECT max(business_date) FROM accounting_day WHERE state = 'paid'")
    task = house.one("SELECT number FROM tasks_task ORDER BY assignment DESC, number LIMIT 1")
    run_number = house.one("SELECT max(number) FROM tasks_run")
    return [
        Shot("employee", "/tasks/mine", "my-tasks"),
        Shot("manager", "/tasks/", "all-tasks"),
        Shot("accountant", "/accounting/", "accounting"),
        Shot("admin", "/analytics/", "analytics"),
        Shot("employee", "/accounting/me", "my-account"),
        Shot("employee", "/accounting/me/statements/", "statements"),
        Shot("employee", f"/accounting/me/statements/{day}", "statement"),
        Shot("employee", f"/accounting/me/statements/{day:.7}", "statement-of-a-month"),
        Shot("employee", f"/tasks/{task}", "task"),
        Shot("employee", "/tasks/new", "new-task"),
        Shot("manager", "/tasks/shuffle", "shuffle"),
        Shot("manager", f"/tasks/shuffles/{run_number}", "receipt"),
        Shot("accountant", f"/accounting/days/{day}", "day"),
        Shot("accountant", f"/accounting/days/{day}/hours", "hours"),
        Shot("accountant", f"/accounting/days/{day}/anomalies", "anomalies"),
        Shot("accountant", f"/accounting/payouts/{day}", "payouts"),
        Shot("accountant", "/accounting/accounts/", "accounts"),
        Shot("accountant", "/accounting/entries/", "ledger"),
        Shot("accountant", "/accounting/journal/", "journal"),
        Shot("accountant", "/accounting/trial-balance", "trial-balance"),
        Shot("employee", f"/accounting/fairness?task={task}", "fairness"),
        Shot("accountant", "/accounting/corrections/", "corrections"),
        Shot("accountant", "/accounting/entries/?kind=adjustment", "corrections-booked"),
        Shot("accountant", "/accounting/corrections/new?entry=1", "new-correction"),
        Shot("admin", "/auth/people/", "people"),
        Shot("admin", "/ops/", "operations"),
        Shot("admin", "/api/v1/docs", "api"),
    ]


CHOSEN = (
    "employee-my-tasks-en-light-wide.png",
    "employee-my-tasks-ru-dark-wide.png",
    "manager-shuffle-en-light-wide.png",
    "accountant-accounting-ru-light-wide.png",
    "admin-analytics-en-dark-wide.png",
    "admin-operations-en-light-wide.png",
    "employee-my-account-en-light-phone.png",
    "employee-my-tasks-ru-dark-phone.png",
)


def main(words: list[str]) -> int:
    """Take them; with words only the files whose name has one of them, for a quick look."""
    shutil.rmtree(ALL, ignore_errors=True)
    ALL.mkdir(parents=True)
    run.begin()
    try:
        with _house() as house, chromium.running() as browser:
            wanted = shots(house)
            taken = sum(
                _take(house, window, shot, words)
                for window in _windows(house, browser)
                for shot in wanted
                if shot.role == window.role
            )
    finally:
        run.end()
    if not words:
        SHOWN.mkdir(exist_ok=True)
        for name in CHOSEN:
            shutil.copyfile(ALL / name, SHOWN / name)
    print(f"{taken} pictures are in {ALL.relative_to(HOME)}.")
    return 0


@contextmanager
def _house() -> Iterator[House]:
    """Pages and workers on the demonstration; letters are files."""
    data = Path(tempfile.mkdtemp(dir=run.folder()))
    shutil.copytree(company.played("sqlite"), data, dirs_exist_ok=True)
    (data / "run").mkdir(exist_ok=True)
    with wake.running("valkey") as bell:
        settings = {"ATES_SMTP_URL": "", "ATES_UNSAFE_DATABASE": "1"}
        url = f"sqlite:///{data / 'ates.sqlite3'}"
        house = House(data, url, bell, MailServer(), settings=settings)
        _stop_clock(house)
        house.start()
        try:
            yield house
        finally:
            house.close()


def _stop_clock(house: House) -> None:
    """It is `NOW` again for all processes, which have nearly a second until the next one."""
    draft = house.data / "clock-offset.new"
    draft.write_text(str(NOW.timestamp() + 0.05 - time.time()))
    draft.replace(house.data / "clock-offset")


@dataclass(frozen=True)
class Window:
    """An open window of somebody who is signed in."""

    page: Page
    role: str
    language: str
    theme: str
    width: str


def _windows(house: House, browser: Browser) -> Iterator[Window]:
    """Each role in each language, in light and dark, on a desk and on a telephone."""
    for role, names in {"employee": _employees(house), **PEOPLE}.items():
        for language, name in zip(("en", "ru"), names, strict=True):
            state = _sign_in(house, browser, name, PASSWORD.format(role))
            for theme, width in product(("light", "dark"), ("wide", "phone")):
                context = _context(house, browser, language, theme, SIZES[width], state)
                yield Window(context.new_page(), role, language, theme, width)
                context.close()


def _employees(house: House) -> tuple[str, ...]:
    """One per language: tasks to do, and not below zero today."""
    rows = house.rows(
        """
        SELECT p.locale, p.email FROM auth_person p
        JOIN accounting_account a ON a.person_id = p.id AND a.balance_cents > 0
        JOIN tasks_task t ON t.assignee_id = p.id
        WHERE p.role = 'employee'
        GROUP BY p.locale, p.email ORDER BY min(count(*) FILTER (WHERE t.status = 'open'), 3),
        max(a.balance_cents)"""
    )
    best = {locale: email.partition("@")[0] for locale, email in rows}
    return best["en"], best["ru"]


def _sign_in(house: House, browser: Browser, name: str, password: str) -> Path:
    """The cookies of somebody who signed in through the form."""
    _stop_clock(house)
    context = browser.new_context(base_url=house.url)
    page = context.new_page()
    page.goto("/")
    page.locator("input[type=email]").fill(f"{name}@popug.example")
    page.locator("input[type=password]").fill(password)
    page.locator("main button").first.click()
    page.locator("header form button").wait_for()
    state = house.data / f"{name}.cookies"
    context.storage_state(path=state)
    context.close()
    return state


def _context(
    house: House, browser: Browser, language: str, theme: str, size: dict[str, int], state: Path
) -> BrowserContext:
    return browser.new_context(
        base_url=house.url,
        locale={"en": "en-GB", "ru": "ru-RU"}[language],
        viewport=size,  # type: ignore[arg-type]
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        storage_state=state,
    )


def _take(house: House, window: Window, shot: Shot, words: list[str]) -> int:
    """One picture, unless other ones are asked for; how many were taken."""
    file = f"{shot.role}-{shot.name}-{window.language}-{window.theme}-{window.width}.png"
    if words and not any(word in file for word in words):
        return 0
    _stop_clock(house)
    window.page.goto(shot.page)
    window.page.wait_for_load_state("networkidle")
    window.page.screenshot(path=ALL / file, animations="disabled", caret="hide")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
