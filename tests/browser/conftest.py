"""A small company on real processes, and windows that notice what must not happen in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from ates.app import create_app
from ates.auth import passwords, service
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.db import transaction
from tests.engines import house as houses
from tests.engines import wake
from tests.engines.house import House
from tests.engines.smtp import MailServer

PASSWORD = "two in the bush"
PEOPLE = {
    "Kesha": Role.EMPLOYEE,
    "Rio": Role.ACCOUNTANT,
    "Margo": Role.MANAGER,
    "Aurora": Role.ADMIN,
}


@dataclass
class Company:
    """The installation and the windows opened on it."""

    house: House
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # errors of scripts, foreign addresses
    asked: list[Request] = field(default_factory=list)

    def window(self, **how: Any) -> Page:
        """An empty window of somebody who is not signed in."""
        context = self.browser.new_context(base_url=self.house.url, locale="en-US", **how)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("request", self._saw)
        return page

    def window_of(self, name: str, **how: Any) -> Page:
        """A window of somebody who signed in through the form."""
        page = self.window(**how)
        sign_in(page, name)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    def _heard(self, message: ConsoleMessage) -> None:
        # A refused form answers 4xx on purpose, which Chromium writes down as an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _saw(self, request: Request) -> None:
        self.asked.append(request)
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and not request.url.startswith(self.house.url):
            self.wrong.append(f"another origin was asked: {request.url}")


def sign_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(f"{name.lower()}@popug.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


@pytest.fixture(scope="module")
def _house(tmp_path_factory: pytest.TempPathFactory, _redis: wake.WakeServer) -> Iterator[House]:
    mail = MailServer()
    mail.start()
    with houses.house(tmp_path_factory.mktemp("company"), "sqlite", _redis, mail) as made:
        # An hour to midnight: a session must not idle away while the clock is moved over it.
        tomorrow = made.now().date() + timedelta(days=1)
        made.move_to(datetime.combine(tomorrow, time(23, 10), UTC))
        _employ(made)
        made.start()
        made.settled()
        yield made
    mail.stop()


def _employ(made: House) -> None:
    app = create_app(Config.from_env(made.environ))
    phc = passwords.hashed(PASSWORD)
    with app.app_context(), transaction("auth") as session:
        for name, role in PEOPLE.items():
            service.create_person(
                session,
                email=f"{name.lower()}@popug.example",
                name=name,
                role=role,
                password_hash=phc,
            )
    app.extensions["ates.database"].close()


@pytest.fixture
def company(_house: House, browser: Browser) -> Iterator[Company]:
    """Fails a test in whose windows a script failed or another origin was asked."""
    made = Company(_house, browser)
    yield made
    made.close()
    assert made.wrong == []
