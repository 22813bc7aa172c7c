"""The schema of a database: applied by one command, checked by every start."""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ates.kernel.db import LONG, Database
from ates.kernel.errors import ConfigError

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def prepare(database: Database) -> None:
    """Bring the database to today's schema; a SQLite file is created here and nowhere else.

    Raises ConfigError for a database that a newer version has written.
    """
    if database.is_sqlite:
        _create_file(Path(database.url.database or ""))
    with database.session("write") as session, session.begin():
        connection = session.connection()
        _refuse_newer(connection)
        config = _config(connection)
        command.upgrade(config, "head")


def check(database: Database) -> None:
    """Raise ConfigError unless the database has exactly today's schema."""
    with database.reading() as session:
        connection = session.connection()
        _refuse_newer(connection)
        present = _revision(connection)
    if present != head():
        raise ConfigError(
            f"The database is at version {present or 'none'}, this code needs {head()}:"
            " `python3 -m ates init` applies what is missing."
        )


def found(database: Database) -> str | None:
    """The version a database is at; none if nothing was ever migrated there."""
    with database.reading() as session:
        return _revision(session.connection())


def head() -> str | None:
    """The newest version this code knows."""
    return _scripts().get_current_head()


def long(url: str, *, unsafe: bool = False) -> Database:
    """A database with the patience that migrations need."""
    return Database(url, LONG, unsafe=unsafe)


def _config(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection) -> None:
    present = _revision(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if present is not None and present not in known:
        raise ConfigError(
            f"The database was written by a newer version of aTES ({present}). Use that version."
        )


def _create_file(path: Path) -> None:
    """Only the owner reads the books."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
