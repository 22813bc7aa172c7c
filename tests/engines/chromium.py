"""A real Chromium: Debian's, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from . import run

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@contextmanager
def running() -> Iterator[Browser]:
    """One browser process; each test opens contexts of its own in it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        run.missing("chromium")
    rootly = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *rootly])
        yield browser
        browser.close()
