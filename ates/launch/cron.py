"""The tick that plays cron: payout every ten minutes, a check of the log every hour."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ates.config import Config

MINUTE = 60.0


@dataclass
class Entry:
    """One line of the crontab."""

    name: str
    words: tuple[str, ...]
    every: float
    due: float
    process: "subprocess.Popen[bytes] | None" = None


class Cron:
    """Starts a command when it is due and its last run is over; what it says goes to its log."""

    def __init__(self, environ: Mapping[str, str], config: Config, checkout: Path) -> None:
        self.environ, self.checkout = environ, checkout
        self.log = config.data / "log" / "cron.log"
        now = time.monotonic()
        self.entries = [
            Entry("payout", ("accounting", "payout"), 10 * MINUTE, now + 5),
            Entry("verify", ("events", "verify"), 60 * MINUTE, now + 60 * MINUTE),
        ]

    def tick(self) -> None:
        now = time.monotonic()
        for entry in self.entries:
            if entry.process is not None and entry.process.poll() is not None:
                entry.process = None
            if entry.process is None and now >= entry.due:
                entry.due = now + entry.every
                entry.process = self._start(entry.words)

    def stop(self) -> None:
        """Ask what runs to end; a payout that is killed goes on where it stood."""
        for entry in self.entries:
            if entry.process is not None and entry.process.poll() is None:
                entry.process.terminate()

    def _start(self, words: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-m", "flask", "--app", str(self.checkout / "wsgi.py"), *words],
                env=dict(self.environ),
                cwd=self.checkout,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
