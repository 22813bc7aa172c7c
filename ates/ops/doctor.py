"""Whether an installation may start: its settings, its database, what stands around it."""

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ates.config import SECRETS, Config
from ates.kernel import clock, db, migrate, post, worker
from ates.kernel.db import Database
from ates.kernel.errors import ConfigError, is_outage
from ates.kernel.tables import OWN_LOG, event_log

State = Literal["ok", "warn", "failed"]

REFUSED = 78  # exit code: a supervisor must not try again
GIB = 1024**3
SECONDS_APART = 2.0  # of our clock and the database server's
BACK = timedelta(seconds=60)  # how far our clock may be behind the newest event
NEWEST_SQLITE_BUG = (3, 51, 3)  # before it, the WAL can be reset under a reader
REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "afs"})

PRAGMAS: dict[str, Any] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "mmap_size": 0,
}
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "TimeZone": "UTC",
    "server_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
}
DURABLE = frozenset({"fsync", "full_page_writes", "synchronous_commit"})
TIMEOUTS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    name: str
    state: State
    says: str


def examine(app: Flask) -> list[Line]:
    """Every line of the table of settings, and the neighbours; changes nothing."""
    config: Config = app.extensions["ates.config"]
    database: Database = app.extensions["ates.database"]
    return [
        Line("settings", "ok", f"The settings fit ({config.env})."),
        *_secrets(config),
        *_production(app, config),
        *_folder(config),
        *_database(database, config),
        _redis(config),
        _smtp(config),
    ]


def failed(lines: list[Line]) -> bool:
    return any(each.state == "failed" for each in lines)


def plain(lines: list[Line]) -> dict[str, Any]:
    """For programs."""
    return {"ok": not failed(lines), "lines": [asdict(each) for each in lines]}


# --- keys, mode, folder ---------------------------------------------------------------------------


def _secrets(config: Config) -> Iterator[Line]:
    """Files that hold keys are the owner's alone."""
    for name in SECRETS:
        path = config.data / "secrets" / name
        if not path.exists():
            yield Line(name, "ok", "It comes from the environment.")
        elif mode := _others(path):
            yield Line(name, "failed", f"{path} is open to others ({mode:o}): chmod 600 it.")
        else:
            yield Line(name, "ok", f"{path} is the owner's alone.")


def _production(app: Flask, config: Config) -> Iterator[Line]:
    if app.debug:
        state: State = "failed" if config.production else "warn"
        yield Line("debug", state, "Flask's debugger is on: whoever reaches it runs any code.")
    if config.unsafe_database:
        yield Line("durability", "warn", "ATES_UNSAFE_DATABASE is set: commits may be lost.")
    if config.test_clock:
        yield Line("test clock", "warn", "ATES_TEST_CLOCK is set: a file moves time.")


def _folder(config: Config) -> Iterator[Line]:
    if not config.data.is_dir():
        yield Line("data folder", "failed", f"{config.data} is no folder: `python3 -m ates init`.")
        return
    free = shutil.disk_usage(config.data).free
    says = f"{free / GIB:.1f} GiB are free under {config.data}."
    state: State = "failed" if free < GIB / 16 else "warn" if free < GIB else "ok"
    yield Line("disk", state, says)


def _others(path: Path) -> int:
    """The rights of others on a file, 0 if there are none."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & 0o077 else 0


# --- the database ---------------------------------------------------------------------------------


def _database(database: Database, config: Config) -> Iterator[Line]:
    """An absent database is no failed line: the web starts without it and waits."""
    try:
        known = migrate.found(database) is not None
        with database.reading() as session:
            if database.is_sqlite:
                yield from _sqlite(session, database, config)
            else:
                yield from _postgresql(session, config)
            yield _clock(session, config, known=known)
        yield _schema(database)
    except ConfigError as error:
        yield Line("database", "failed", str(error))
    except Exception as error:
        if not is_outage(error):
            raise
        yield Line("database", "warn", "It does not answer; the pages wait for it.")


def _schema(database: Database) -> Line:
    try:
        migrate.check(database)
    except ConfigError as error:
        return Line("schema", "failed", str(error))
    return Line("schema", "ok", f"The database is at version {migrate.head()}.")


def _sqlite(session: Session, database: Database, config: Config) -> Iterator[Line]:
    for name, wanted in PRAGMAS.items():
        found = session.execute(text(f"PRAGMA {name}")).scalar_one()
        if name == "synchronous" and config.unsafe_database:
            continue  # told above
        state: State = "ok" if found == wanted else "failed"
        yield Line(f"SQLite {name}", state, f"It is {found}, and must be {wanted}.")
    path = Path(database.url.database or "")
    if mode := _others(path):
        yield Line("SQLite file", "failed", f"{path} is open to others ({mode:o}): chmod 600 it.")
    if (kind := _file_system(path)) in REMOTE:
        yield Line("SQLite file", "failed", f"{path} is on {kind}: SQLite needs a local disk.")
    if sqlite3.sqlite_version_info < NEWEST_SQLITE_BUG:
        says = f"{sqlite3.sqlite_version} may reset the WAL under a reader; 3.51.3 does not."
        yield Line("SQLite version", "warn", says)


def _file_system(path: Path) -> str:
    """What kind of disk a path is on; nothing where the system does not tell."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    found = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    full = path.absolute()
    over = [(point, kind) for point, kind in found if full.is_relative_to(point)]
    return max(over, key=lambda each: len(each[0]), default=("", ""))[1]


def _postgresql(session: Session, config: Config) -> Iterator[Line]:
    names = [*SETTINGS, *TIMEOUTS, "data_checksums"]
    rows = session.execute(
        text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": names}
    )
    found: dict[str, str] = {row.name: row.setting for row in rows}
    for name, wanted in SETTINGS.items():
        if name in DURABLE and config.unsafe_database:
            continue  # told above
        good = found.get(name) == wanted or (
            name == "synchronous_commit" and found.get(name) in ("remote_write", "remote_apply")
        )
        says = f"It is {found.get(name)}, and must be {wanted}."
        yield Line(f"PostgreSQL {name}", "ok" if good else "failed", says)
    for name in TIMEOUTS:
        good = found.get(name, "0") != "0"
        says = f"It is {found.get(name)} ms." if good else "It is off: one stuck session stops all."
        yield Line(f"PostgreSQL {name}", "ok" if good else "failed", says)
    if found.get("data_checksums") != "on":
        yield Line("PostgreSQL data_checksums", "warn", "They are off: rot on disk goes unseen.")
    yield from _server(session, config)


def _server(session: Session, config: Config) -> Iterator[Line]:
    """Whose we are there, and what kind of server it is."""
    role, standby = session.execute(
        text(
            "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
            " pg_is_in_recovery()"
        )
    ).one()
    if standby:
        yield Line("PostgreSQL server", "failed", "It is a standby: nothing can be written.")
    if role:
        state: State = "failed" if config.production else "warn"
        yield Line("PostgreSQL role", state, "It is a superuser: use a role of its own.")


def _clock(session: Session, config: Config, *, known: bool) -> Line:
    """Our clock against the server's, and against what has happened already."""
    now = clock.now()
    if not db.is_sqlite(session) and not config.test_clock:
        apart = abs((session.scalars(text("SELECT clock_timestamp()")).one() - now).total_seconds())
        if apart > SECONDS_APART:
            return Line("clock", "warn", f"It is {apart:.1f} s apart from the database server's.")
    newest = _newest(session) if known else None
    if newest is not None and newest - now > BACK:
        return Line("clock", "failed", f"It is behind the newest event, of {newest.isoformat()}.")
    return Line("clock", "ok", f"It is {now.isoformat(timespec='seconds')}.")


def _newest(session: Session) -> datetime | None:
    """When the last event was numbered."""
    last = select(func.max(event_log.c.position)).where(event_log.c.log == OWN_LOG)
    return session.scalar(
        select(event_log.c.recorded_at).where(
            event_log.c.log == OWN_LOG, event_log.c.position == last.scalar_subquery()
        )
    )


# --- neighbours: their absence is a warning -------------------------------------------------------


def _redis(config: Config) -> Line:
    if not config.redis_url:
        return Line("Redis", "warn", "None is set: workers look into the database each second.")
    trouble = worker.unreachable(config.redis_url)
    if trouble:
        return Line("Redis", "warn", f"It does not answer ({trouble}); the sweep goes on.")
    return Line("Redis", "ok", "It answers.")


def _smtp(config: Config) -> Line:
    if not config.smtp_url:
        return Line("mail", "ok", f"Letters become files in {config.mail_folder}.")
    trouble = post.unreachable(config.smtp_url)
    if trouble:
        return Line("mail", "warn", f"The server does not answer ({trouble}); letters wait.")
    return Line("mail", "ok", "The server answers.")
