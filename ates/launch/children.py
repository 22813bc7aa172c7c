"""Child processes: started, watched, restarted, and gone when the supervisor is gone."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ates.launch.logs import Log

RESTART_AFTER = 1.0  # seconds; without limit, since giving up heals nothing
STOP_WITHIN = 3.0  # then SIGKILL, so that Ctrl-C is over within five seconds
STARTS_WITHIN = 60.0  # until the first beat of a worker
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def spawn(
    words: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path,
    output: IO[bytes],
    errors: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a process that dies with this one. To be called from the main thread alone.

    Errors go to the output unless told otherwise. Linux sends the signal when the *thread*
    that started the process ends.
    """
    parent = os.getpid()

    def tie() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # it was killed before the line above
                os._exit(1)

    return subprocess.Popen(  # noqa: S603 - our own commands
        list(words),
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors or subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
        preexec_fn=tie,
    )


def signal_group(process: "subprocess.Popen[bytes] | None", number: int) -> None:
    """Signal a process and its own children (the web server's workers); gone is no error."""
    if process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


@dataclass
class Child:
    """One process that has to run."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Log
    cwd: Path
    beat: Path | None = None  # the file it touches while it works …
    silent: float = 0.0  # … and after how many seconds without a touch it hangs
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float | None = None

    def start(self) -> None:
        """Start it, with its output going to its log. Raises OSError."""
        if self.beat is not None:
            self.beat.unlink(missing_ok=True)
        with self.log.open() as output:
            self.process = spawn(self.command, self.environ, self.cwd, output)
        self.started_at, self.restart_at = time.monotonic(), None

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def hangs(self) -> bool:
        """Whether it has not shown a sign of life for too long (a stopped or stuck worker)."""
        if self.beat is None or self.ended() is not None:
            return False
        try:
            return time.time() - self.beat.stat().st_mtime > self.silent
        except FileNotFoundError:
            return time.monotonic() - self.started_at > STARTS_WITHIN

    def clear(self) -> None:
        """End what a dead child has left: orphaned web workers would keep the port."""
        signal_group(self.process, signal.SIGKILL)


class Family:
    """All children, the first of which the others use; `tick` keeps them alive, `stop` ends them.

    A start that fails is an end like any other: it is said, and tried again.
    """

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children, self.say = children, say
        self._looked = time.time()
        self._patient_until = 0.0

    def tick(self) -> None:
        """Show errors, restart what died a second ago, kill what hangs."""
        self._notice_sleep()
        for child in self.children:
            for line in child.log.news():
                self.say(f"{child.name}: {line}")
            child.log.trim()
            if self._looked > self._patient_until and child.hangs():
                self.say(f"{child.name} gives no sign of life; killing it.")
                child.clear()
            self._revive(child)

    def start(self) -> None:
        """Start all. Raises OSError for a program that cannot be started."""
        for child in self.children:
            child.start()

    def stop(self) -> None:
        """SIGTERM to all, four seconds, then SIGKILL. What the others use goes last."""
        until = time.monotonic() + STOP_WITHIN
        helpers = [each for each in self.children if each.name == "redis"]
        workers = [each for each in self.children if each not in helpers]
        for group in (workers, helpers):
            for child in group:
                signal_group(child.process, signal.SIGTERM)
            _wait(group, max(until, time.monotonic() + 0.3))
        for child in self.children:
            child.clear()
            if child.process is not None:
                child.process.wait()

    def _revive(self, child: Child) -> None:
        code, now = child.ended(), time.monotonic()
        if child.process is not None and code is None:
            return
        if child.restart_at is None:
            child.clear()
            self.say(f"{child.name} ended ({_reason(code)}); starting it again.{_why(child)}")
            child.restart_at = now + RESTART_AFTER
        elif now >= child.restart_at:
            try:
                child.start()
            except OSError as error:  # no memory, no process left: it may pass
                self.say(f"{child.name} cannot be started: {error.strerror}.")
                child.restart_at = now + RESTART_AFTER

    def _notice_sleep(self) -> None:
        """After the machine slept, or we were stopped, all look silent: give them a minute."""
        now = time.time()
        if abs(now - self._looked) > 5:
            self._patient_until = now + STARTS_WITHIN
        self._looked = now


def _wait(children: Sequence[Child], until: float) -> None:
    while time.monotonic() < until and any(
        each.process is not None and each.ended() is None for each in children
    ):
        time.sleep(0.02)


def _reason(code: int | None) -> str:
    if code is None:
        return "not started"
    return f"signal {-code}" if code < 0 else f"exit {code}"


def _why(child: Child) -> str:
    last = child.log.last_line()
    return f" Its log ends: {last}" if last else ""
