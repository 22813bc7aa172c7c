"""Rows by the million into an empty database: one transaction, checked as a whole at its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from ates.kernel.db import Database

Row = Sequence[Any]

# All keys, references last; they are made again in the order of this list.
CONSTRAINTS = text(
    "SELECT t.relname AS place, c.conname AS name, pg_get_constraintdef(c.oid) AS says"
    " FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
    " WHERE t.relname = ANY(:tables) AND c.contype IN ('f', 'p', 'u')"
    " AND t.relnamespace = current_schema()::regnamespace"
    " ORDER BY c.contype = 'f', t.relname, c.conname"
)
INDEXES = text(
    "SELECT indexname AS name, indexdef AS says FROM pg_indexes"
    " WHERE schemaname = current_schema() AND tablename = ANY(:tables)"
)
SETTINGS = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "maintenance_work_mem": "'256MB'",
}


class Scribe:
    """Writes one part's tables of a company that is made by bulk; does nothing by itself.

    What happens is told page by page in the order of time: every part first `book`s a page (what it
    decides is noted on the facts, for the others to read), then every part `write`s it.
    """

    said = 0  # events the part would have said

    def begin(self) -> None:
        """Write the people down."""

    def open(self, day: Any) -> None:
        """A day begins."""

    def book(self, facts: Sequence[Any]) -> None:
        """Decide what only this part decides about these facts."""

    def write(self, facts: Sequence[Any]) -> None:
        """Write these facts down, or keep them until they are whole."""

    def settle(self, day: Any) -> None:
        """The pages of the day are over: decide what only this part decides about it."""

    def close(self, day: Any) -> None:
        """Write down what there is to say of the day."""

    def end(self) -> None:
        """Write the heads, and what is still open."""


class Loader:
    """The fastest way into the tables: COPY on PostgreSQL, one prepared INSERT on SQLite.

    Values are the same for both: int, str, bytes, bool, None; a UUID, a day and a moment are the
    texts that SQLite keeps (kernel.types).
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = Session(connection)  # for the few rows that need no speed
        self.is_sqlite = connection.dialect.name == "sqlite"
        self.rows = 0  # written so far

    def load(self, model: type[Any], names: Sequence[str], rows: Sequence[Row]) -> None:
        """Write `rows`, each with the values of the columns `names`."""
        if not rows:
            return
        target, columns = model.__table__.name, ", ".join(names)
        raw: Any = self.connection.connection.dbapi_connection
        if self.is_sqlite:
            marks = ", ".join("?" * len(names))
            raw.executemany(f"INSERT INTO {target} ({columns}) VALUES ({marks})", rows)  # noqa: S608
        else:
            copying = f"COPY {target} ({columns}) FROM STDIN"
            with raw.cursor() as cursor, cursor.copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)
        self.rows += len(rows)


@contextmanager
def loading(database: Database, tables: Sequence[str]) -> Iterator[Loader]:
    """One transaction of a loader: everything is written and proven, or nothing is.

    Meanwhile `tables` have no secondary indexes, and on PostgreSQL no keys: made again at the end,
    they prove all rows at once, for less than row by row. Nobody else may use the database.
    """
    database.close()  # of SQLite's journal only the last connection decides
    with database.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        if database.is_sqlite:
            _for_one_writer(raw)
        try:
            with connection.begin():
                loader = Loader(connection)
                strip = _bare_sqlite if database.is_sqlite else _bare_postgresql
                statements = strip(connection, tables)
                yield loader
                loader.session.flush()
                for statement in statements:
                    connection.exec_driver_sql(statement)
                if database.is_sqlite:
                    _refuse_dangling(connection)
        finally:
            connection.invalidate()  # its settings are not for others


def measure(database: Database) -> None:
    """Let the planner look at what it has now."""
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
            return
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.invalidate()


def _bare_postgresql(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Take keys and indexes away; the statements that bring them back."""
    for name, value in SETTINGS.items():
        connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
    keys = connection.execute(CONSTRAINTS, {"tables": list(tables)}).all()
    for key in reversed(keys):
        connection.exec_driver_sql(f"ALTER TABLE {key.place} DROP CONSTRAINT {key.name}")
    indexes = connection.execute(INDEXES, {"tables": list(tables)}).all()
    for index in indexes:
        connection.exec_driver_sql(f"DROP INDEX {index.name}")
    added = [f"ALTER TABLE {key.place} ADD CONSTRAINT {key.name} {key.says}" for key in keys]
    first = next((n for n, key in enumerate(keys) if key.says.startswith("FOREIGN")), len(keys))
    return [*added[:first], *(index.says for index in indexes), *added[first:]]


def _bare_sqlite(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Take secondary indexes away, and the guards against REPLACE, which nobody says here; the
    statements that bring them back."""
    found = connection.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND (type = 'index' OR type = 'trigger' AND name LIKE '%\\_replace' ESCAPE '\\')"
    ).all()
    mine = [each for each in found if each.tbl_name in tables]
    for each in mine:
        connection.exec_driver_sql(f"DROP {each.type} {each.name}")
    return [each.sql for each in mine]


def _for_one_writer(raw: Any) -> None:
    """A journal of what was there (nearly nothing) instead of a WAL of all that comes."""
    for pragma in ("journal_mode = DELETE", "foreign_keys = OFF", "cache_size = -262144"):
        raw.execute(f"PRAGMA {pragma}").close()


def _refuse_dangling(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    assert found is None, f"a row of {found[0] if found else ''} refers to nothing"
