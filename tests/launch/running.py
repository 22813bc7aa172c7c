"""`python3 -m ates run` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ates.launch.bootstrap import CHECKOUT
from ates.launch.children import STOP_WITHIN
from tests.engines.run import free_port


def environ(**more: str) -> dict[str, str]:
    """Ours without any setting of aTES; the environment that runs the tests is the prepared one."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ATES_") or name == "ATES_VENV"
    }
    return {**mine, "ATES_DATA": "", "PYTHONPATH": str(CHECKOUT), **more}


def ates(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A module of the launcher or a Flask command, as the bootstrap hands over."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=CHECKOUT,
        env=environ(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return ates("-m", "ates.launch.run", *words, **more)


@dataclass
class Running:
    """A running aTES with its screen."""

    process: "subprocess.Popen[bytes]"
    port: int
    data: Path
    screen_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def screen(self) -> str:
        return self.screen_file.read_text()

    def status(self, path: str) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.request.HTTPError as error:
            return int(error.code)

    def children(self) -> dict[int, str]:
        """Process id and command line of every process that descends from it."""
        return descendants(self.process.pid)

    def child(self, words: str) -> int:
        """The process with these words in its command line."""
        return next(pid for pid, line in self.children().items() if words in line)

    def wait_for(self, sentence: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if re.search(sentence, self.screen):
                return
            assert self.process.poll() is None, self.screen
            time.sleep(0.1)
        raise AssertionError(f"{sentence!r} did not show:\n{self.screen}")

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Seconds until it is gone."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=STOP_WITHIN + 10)
        return time.monotonic() - started


def start(folder: Path, *words: str, **more: str) -> Running:
    """Start it on a free port with a data folder inside `folder`."""
    port, screen = free_port(), folder / "screen"
    with screen.open("wb") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ates.launch.run", "--port", str(port)),
                *("--data", str(folder / "data"), *words),
            ],
            cwd=CHECKOUT,
            env=environ(**more),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return Running(process, port, folder / "data", screen)


def descendants(root: int) -> dict[int, str]:
    """From /proc: everything below `root`."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            lines[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    found = {root}
    for _ in range(6):  # generations
        found |= {pid for pid, parent in parents.items() if parent in found}
    return {pid: lines[pid] for pid in found - {root} if pid in lines}
