"""Throw-away engines of one test run: a PostgreSQL cluster, a migrated SQLite file, Redis."""

import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from ates.kernel import migrate
from ates.kernel.db import WORK, Database
from ates.launch import waker

SHARED = "ATES_TEST_SHARED"  # the folder that all test processes of one run share


def missing(what: str) -> None:
    """Skip for a missing engine, or fail where all engines are required."""
    if os.environ.get("ATES_TEST_REQUIRE") == "all":
        pytest.fail(f"{what} is missing and ATES_TEST_REQUIRE=all", pytrace=False)
    pytest.skip(f"{what} is missing")


def begin() -> None:
    """In the process that starts the run: make the shared folder."""
    folder = tempfile.mkdtemp(prefix="ates-tests-")
    os.chmod(folder, 0o755)
    os.environ[SHARED] = folder


def end() -> None:
    """At the end of the run: stop the cluster, remove everything."""
    folder = shared()
    cluster = Cluster(folder)
    if cluster.file.exists():
        cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


def shared() -> Path:
    return Path(os.environ[SHARED])


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One process of the run at a time."""
    with (shared() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- SQLite ---------------------------------------------------------------------------------------


def sqlite_url(folder: Path) -> str:
    """A fresh migrated database in `folder`."""
    template = shared() / "template.sqlite3"
    with alone("sqlite"):
        if not template.exists():
            draft = shared() / "draft.sqlite3"
            database = Database(f"sqlite:///{draft}", WORK, unsafe=True)
            migrate.prepare(database)
            database.close()
            draft.rename(template)
    path = folder / "ates.sqlite3"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


# --- PostgreSQL -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """One throw-away cluster a run, without fsync; a database per test from a migrated template."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "cluster.json"

    @property
    def data(self) -> Path:
        return self.folder / "pg"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.data}"

    def start(self) -> None:
        """Start it if no process of this run has yet; skip or fail where there is none."""
        with alone("postgresql"):
            if self.file.exists():
                return
            programs = _programs()
            if programs is None:
                missing("PostgreSQL")
                return
            self.data.mkdir()
            owner = _owner()
            if owner is not None:
                os.chown(self.data, owner.pw_uid, owner.pw_gid)
            _run(programs / "initdb", "-D", self.data / "db", "-A", "trust", "-U", "postgres",
                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
            options = (
                f"-c listen_addresses='' -c unix_socket_directories={self.data} -c fsync=off"
                " -c full_page_writes=off -c synchronous_commit=off -c max_connections=200"
                " -c max_prepared_transactions=5"
            )
            _run(programs / "pg_ctl", "-D", self.data / "db", "-l", self.data / "log", "-w",
                 "-o", options, "start")  # fmt: skip
            self._execute('CREATE DATABASE "template_ates"')
            database = Database(self.url("template_ates"), WORK, unsafe=True)
            migrate.prepare(database)
            database.close()
            self.file.write_text(json.dumps({"started": True}))

    def stop(self) -> None:
        programs = _programs()
        assert programs is not None
        _run(programs / "pg_ctl", "-D", self.data / "db", "-m", "immediate", "-w", "stop")

    def create(self) -> str:
        """The URL of a fresh migrated database."""
        name = f"t{uuid4().hex[:16]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "template_ates"')
        return self.url(name)

    def drop(self, url: str) -> None:
        name = url.split("@/")[1].split("?")[0]
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _programs() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else []
    found += [Path(each).parent for each in sorted(glob("/usr/lib/postgresql/*/bin/initdb"))]
    return found[-1] if found else None


def _owner() -> pwd.struct_passwd | None:
    """Who runs the cluster when we are root, whom initdb refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("no unprivileged user for the cluster")


def _run(*words: object) -> None:
    owner = _owner()
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )
    assert done.returncode == 0, done.stderr or done.stdout


# --- Redis ----------------------------------------------------------------------------------------


@dataclass
class RedisServer:
    """A real server on a socket of its own, which tests may stop, empty and freeze."""

    program: str
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'redis.sock'}"

    def start(self) -> None:
        words, _ = waker.command(self.folder)
        self.process = subprocess.Popen(
            [self.program, *words[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(self.folder / "redis.sock"))
                    return
                except OSError:
                    time.sleep(0.01)
        raise AssertionError(f"{self.program} did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            (self.folder / "redis.sock").unlink(missing_ok=True)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server(program: str | None) -> Iterator[RedisServer]:
    """A running server in a short folder."""
    if program is None:
        missing("redis-server")
    assert program is not None
    folder = waker.runtime_folder()
    server = RedisServer(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
