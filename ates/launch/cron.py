"""The tick that plays cron: payout and a check every ten minutes, payout also after midnight."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ates.config import Config
from ates.kernel import clock
from ates.launch.children import signal_group, spawn
from ates.launch.logs import Log

MINUTE = 60.0
MARGIN = timedelta(seconds=2)  # after the close of a day, so that the command finds it closed
WAITS = 3  # payout: a day is not ready yet; the next run finds out


@dataclass
class Entry:
    """One line of the crontab."""

    name: str
    words: tuple[str, ...]
    every: float
    due: float
    quiet: tuple[int, ...] = (0,)  # exit codes nobody has to look at
    daily: bool = False  # also when a business day has closed
    process: "subprocess.Popen[bytes] | None" = None


class Cron:
    """Starts a command when it is due and its last run is over; what it says goes to its log."""

    def __init__(
        self,
        environ: Mapping[str, str],
        config: Config,
        checkout: Path,
        say: Callable[[str], None],
    ) -> None:
        self.environ, self.checkout, self.say = environ, checkout, say
        self.log = Log(config.data / "log" / "cron.log")
        self.zone = ZoneInfo(config.timezone)
        self.grace = timedelta(seconds=config.close_grace) + MARGIN
        clock.use_offset_file(config.clock_file if config.test_clock else None)
        self.day = self._open_day()
        now = time.monotonic()
        payout = ("accounting", "payout")
        self.entries: Sequence[Entry] = (
            Entry("payout", payout, 10 * MINUTE, now + 5, (0, WAITS), daily=True),
            Entry("verify", ("ops", "verify", "--quick"), 10 * MINUTE, now + MINUTE),
        )

    def tick(self) -> None:
        """Start what is due. A night the machine slept through is one run: it pays all days."""
        now, day = time.monotonic(), self._open_day()
        for entry in self.entries:
            self._finish(entry)
            if entry.daily and day != self.day:
                entry.due = now
            if entry.process is None and now >= entry.due:
                entry.due = now + entry.every
                self._start(entry)
        self.day = day

    def stop(self) -> None:
        """Ask what runs to end; a payout that is ended goes on where it stood."""
        for entry in self.entries:
            signal_group(entry.process, signal.SIGTERM)

    def reap(self) -> None:
        """What has not ended since is killed."""
        for entry in self.entries:
            if entry.process is not None:
                signal_group(entry.process, signal.SIGKILL)
                entry.process.wait()

    def _open_day(self) -> date:
        """The oldest business day that may still be open: it changes when a day has closed."""
        return (clock.now() - self.grace).astimezone(self.zone).date()

    def _start(self, entry: Entry) -> None:
        self.log.trim()
        words = (sys.executable, "-m", "flask", "--app", str(self.checkout / "wsgi.py"))
        try:
            with self.log.open() as output:
                entry.process = spawn((*words, *entry.words), self.environ, self.checkout, output)
        except OSError as error:  # no memory, full disk: the next turn tries again
            self.say(f"{entry.name} cannot be started: {error.strerror}.")

    def _finish(self, entry: Entry) -> None:
        code = None if entry.process is None else entry.process.poll()
        if code is None:
            return
        entry.process = None
        if code not in entry.quiet:
            self.say(f"{' '.join(entry.words)} ended with {code}: {self.log.last_line()}")
