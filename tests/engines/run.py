"""What all processes of one test run share: a short folder, and what is started only once in it."""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

_FOLDER = "ATES_TEST_RUN"  # handed from pytest-xdist's controller to its workers


def begin() -> None:
    """Make the run's folder; its path is short, for the sake of unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="ates-"))
    folder.chmod(0o755)  # the database server may be another user
    os.environ[_FOLDER] = str(folder)


def end() -> None:
    """Forget everything of the run."""
    shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def folder() -> Path:
    return Path(os.environ[_FOLDER])


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Within the block no other process of this run is in the block of the same name."""
    with (folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A port of the loopback address that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def missing(engine: str) -> NoReturn:
    """Skip for want of an engine, or fail where all engines are required (ATES_TEST_REQUIRE)."""
    if os.environ.get("ATES_TEST_REQUIRE") == "all":
        pytest.fail(f"{engine} is not installed, and ATES_TEST_REQUIRE=all demands it")
    pytest.skip(f"{engine} is not installed")
