"""A database that may forget what it acknowledged is refused."""

from pathlib import Path

import pytest
from sqlalchemy import text

from ates.kernel.db import WORK, Database
from ates.kernel.errors import ConfigError
from tests.engines import sqlite
from tests.engines.marks import only_postgresql


def test_sqlite_keeps_commits_through_a_power_cut(tmp_path: Path) -> None:
    database = Database(sqlite.copy(tmp_path / "books.sqlite3"), WORK)
    with database.reading() as session:
        found = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    database.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }


@only_postgresql
def test_postgresql_without_fsync_is_refused(database_url: str, backend: str) -> None:
    """The cluster of the tests runs without fsync: a product's start must refuse it."""
    database = Database(database_url, WORK)
    with pytest.raises(ConfigError, match="fsync"), database.reading() as session:
        session.execute(text("SELECT 1"))
    database.close()
