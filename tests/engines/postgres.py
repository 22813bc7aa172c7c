"""One throw-away PostgreSQL for the whole run, and a database per test from a migrated template."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from ates.kernel import migrate

from . import run

TEMPLATE = "migrated"
_number = count(1)


@dataclass(frozen=True)
class Server:
    """A running cluster."""

    sockets: Path
    port: int

    def url(self, name: str, *, tcp: bool = False) -> str:
        """The address of one of its databases, over the unix socket or over TCP."""
        if tcp:
            return f"postgresql+psycopg://ates@127.0.0.1:{self.port}/{name}"
        return f"postgresql+psycopg://ates@/{name}?host={self.sockets}&port={self.port}"

    def do(self, statement: str, *names: str) -> None:
        """Run a statement outside of any transaction; `{}` stand for the names."""
        with psycopg.connect(
            host=str(self.sockets), port=self.port, user="ates", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def make(self, template: str = TEMPLATE) -> str:
        """A new database, a copy of the template; gives its name."""
        name = f"test_{os.getpid()}_{next(_number)}"
        self.do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return name

    def drop(self, name: str) -> None:
        self.do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def server() -> Server:
    """The run's cluster; the first to ask starts it and migrates the template."""
    with run.alone("postgres"):
        note = run.folder() / "postgres.port"
        if not note.exists():
            made = _start(run.folder() / "pg", run.free_port())
            _make_template(made)
            note.write_text(str(made.port))
        return Server(run.folder() / "pg", int(note.read_text()))


def _make_template(made: Server) -> None:
    """Migrate once; closed again, since only an idle database can be copied."""
    made.do("CREATE DATABASE {}", TEMPLATE)
    database = migrate.long(made.url(TEMPLATE), unsafe=True)
    try:
        migrate.prepare(database)
    finally:
        database.close()


def stop() -> None:
    """Stop the run's cluster, if anybody started it."""
    if os.environ.get("ATES_TEST_RUN") and (run.folder() / "pg" / "data").exists():
        with suppress(subprocess.CalledProcessError):
            _call("pg_ctl", "-D", _data(run.folder() / "pg"), "-m", "immediate", "-w", "stop")


@contextmanager
def private() -> Iterator[tuple[Server, Path]]:
    """A cluster of one's own, for tests that hurt it; durable. Gives its data folder too."""
    with run.alone("private"):
        home = run.folder() / f"pg{os.getpid()}-{next(_number)}"
        made = _start(home, run.free_port(), durable=True)
    try:
        yield made, home / "data"
    finally:
        with suppress(subprocess.CalledProcessError):
            _call("pg_ctl", "-D", _data(home), "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)


def control(action: str, data: Path, *more: str) -> None:
    """`pg_ctl` as the cluster's owner: stop, start, restart."""
    _call("pg_ctl", "-D", str(data), "-w", *more, action)


def _start(home: Path, port: int, *, durable: bool = False) -> Server:
    home.mkdir()
    os.chmod(home, 0o755)
    owner = _owner()
    if owner is not None:
        os.chown(home, owner.pw_uid, owner.pw_gid)
    _call(
        "initdb", "-D", _data(home), "-U", "ates", "-A", "trust", "-E", "UTF8",
        "--locale=C.UTF-8", "--no-sync", "--no-instructions",
    )  # fmt: skip
    hasty = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    settings = {
        "port": port,
        "unix_socket_directories": home,
        "listen_addresses": "127.0.0.1",
        "max_connections": 300,
        "shared_buffers": "64MB",
        "max_prepared_transactions": 2,
        **({} if durable else hasty),
    }
    with (home / "data" / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    _call("pg_ctl", "-D", _data(home), "-l", str(home / "data" / "log"), "-w", "start")
    return Server(home, port)


def _data(home: Path) -> str:
    return str(home / "data")


def _owner() -> pwd.struct_passwd | None:
    """As root, somebody without rights: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name: each for each in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _call(program: str, *arguments: str) -> None:
    owner = _owner()
    subprocess.run(
        [_binary(program), *arguments],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,  # not a pipe: the server would hold it open
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        timeout=60,
    )


def _binary(program: str) -> str:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name)
    where = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(debian))])
    found = shutil.which(program, path=where)
    if found is None:
        run.missing("PostgreSQL (initdb)")
    return found
