"""Child processes: started, watched, restarted, and gone when the supervisor is gone."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

RESTART_AFTER = 1.0  # seconds; without limit, since giving up heals nothing
STOP_WITHIN = 3.0  # then SIGKILL, so that Ctrl-C is over within five seconds
LOG_LIMIT = 5_000_000  # bytes of a log file; one older file is kept beside it
SILENT_FOR = 15.0  # a worker whose beat is older hangs, and may hold a lock
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process that has to run."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    cwd: Path
    beat: Path | None = None  # the file it touches while it works
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float | None = None
    starts: int = 0
    _stream: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, with its output going to its log."""
        self._open_log()
        if self.beat is not None:
            self.beat.unlink(missing_ok=True)
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            list(self.command),
            env=dict(self.environ),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
            preexec_fn=_die_with_parent,
        )
        self.started_at, self.restart_at = time.monotonic(), None
        self.starts += 1

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def hangs(self) -> bool:
        """Whether it has not shown a sign of life for too long (a stopped or stuck worker)."""
        if self.beat is None or self.ended() is not None:
            return False
        try:
            silent = time.time() - self.beat.stat().st_mtime
        except FileNotFoundError:
            silent = time.monotonic() - self.started_at - SILENT_FOR  # it may start slowly
        return silent > SILENT_FOR

    def signal(self, number: int) -> None:
        """Signal the whole process group; one that is gone is no error."""
        if self.process is not None and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def last_words(self) -> str:
        """The end of its log, for the screen."""
        try:
            return self.log.read_text(errors="replace").strip().splitlines()[-1]
        except (OSError, IndexError):
            return ""

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open_log(self) -> None:
        self.close()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._stream = self.log.open("ab")


class Family:
    """All children; `tick` keeps them alive, `stop` ends them in time."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children, self.say = children, say

    def start(self) -> None:
        for child in self.children:
            child.start()

    def tick(self) -> None:
        """Restart what died a second ago, kill what hangs."""
        now = time.monotonic()
        for child in self.children:
            if child.hangs():
                self.say(f"{child.name} hangs; killing it.")
                child.signal(signal.SIGKILL)
            code = child.ended()
            if code is None:
                continue
            if child.restart_at is None:
                self.say(
                    f"{child.name} ended ({_reason(code)}); starting it again. {child.last_words()}"
                )
                child.restart_at = now + RESTART_AFTER
            elif now >= child.restart_at:
                child.start()

    def stop(self) -> None:
        """SIGTERM to all, three seconds, then SIGKILL."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + STOP_WITHIN
        while time.monotonic() < until and any(each.ended() is None for each in self.children):
            time.sleep(0.02)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
            child.close()


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


def _die_with_parent() -> None:
    """Linux ends the child when the supervisor is killed with -9; elsewhere nothing happens."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    except (OSError, AttributeError):
        return
