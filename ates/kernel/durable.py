"""What a database must be set to, or nothing is written: a yes has to survive a power cut."""

import sqlite3
from typing import Any

from ates.kernel.errors import ConfigError

OLDEST_SQLITE = (3, 37)  # STRICT tables
OLDEST_POSTGRESQL = 150000

PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "recursive_triggers = ON",  # else INSERT OR REPLACE deletes past the triggers
    "trusted_schema = OFF",
    "mmap_size = 0",
    "cache_size = -16000",
)


def settle_sqlite(raw: Any, path: str, *, unsafe: bool) -> None:
    """Set a new connection up; `unsafe` drops durability, for throw-away databases.

    Raises ConfigError where the file cannot keep what was committed.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed.")
    raw.isolation_level = None  # the driver begins nothing by itself
    cursor = raw.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    # NORMAL loses commits at a power cut.
    cursor.execute(f"PRAGMA synchronous = {'OFF' if unsafe else 'FULL'}")
    mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
    level = cursor.execute("PRAGMA synchronous").fetchone()[0]
    cursor.close()
    if not unsafe and path not in ("", ":memory:") and (mode, level) != ("wal", 2):
        raise ConfigError(
            f"SQLite keeps {path} in mode {mode}/{level}, not WAL and FULL: committed changes"
            " could be lost. Is the file on a local disk?"
        )


def check_postgresql(connection: Any) -> None:
    """Raise ConfigError for a server that may forget what it acknowledged, or is too old."""
    if connection.info.server_version < OLDEST_POSTGRESQL:
        raise ConfigError("PostgreSQL is too old: 15 or newer is needed.")
    rows = connection.execute(
        "SELECT name, setting FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'server_encoding')"
    ).fetchall()
    connection.rollback()
    found = dict(rows)
    off = [name for name in ("fsync", "full_page_writes") if found.get(name) != "on"]
    if found.get("synchronous_commit") in ("off", "local"):
        off.append("synchronous_commit")
    if off:
        raise ConfigError(
            f"PostgreSQL has {', '.join(off)} off: committed changes could be lost. Switch it on."
        )
    if found.get("server_encoding") != "UTF8":
        raise ConfigError(f"The database is in {found.get('server_encoding')}; UTF8 is needed.")
