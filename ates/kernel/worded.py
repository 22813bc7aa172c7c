"""Statements that run with each batch: worded once, then handed to the driver as they are."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from ates.kernel import db, driver

ON_SQLITE: Dialect = SQLiteDialect_pysqlite()
ON_POSTGRESQL: Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]

Turn = Callable[[Any], Any] | None  # a value as the driver takes it


class Worded:
    """A statement of SQLAlchemy that is worded once for each kind of database.

    Its rows are plain tuples of what the driver gives: on SQLite ids, days and moments are text,
    which msgspec reads (`msgspec.convert(rows, list[Struct])`).
    """

    def __init__(self, statement: Executable) -> None:
        self.statement: Any = statement

    def run(self, session: Session, **values: Any) -> Any:
        """Run it with values for its parameters; the driver's cursor, to be fetched from."""
        text, names = self._on_sqlite if db.is_sqlite(session) else self._on_postgresql
        turned = [
            values.get(name, usual) if turn is None else turn(values.get(name, usual))
            for name, usual, turn in names
        ]
        return driver.send(session, text, turned)

    @cached_property
    def _on_sqlite(self) -> tuple[str, Sequence[tuple[str, Any, Turn]]]:
        return self._words(ON_SQLITE)

    @cached_property
    def _on_postgresql(self) -> tuple[str, Sequence[tuple[str, Any, Turn]]]:
        return self._words(ON_POSTGRESQL)

    def _words(self, dialect: Dialect) -> tuple[str, Sequence[tuple[str, Any, Turn]]]:
        made: SQLCompiler = self.statement.compile(dialect=dialect)
        names = [
            (name, made.binds[name].value, made.binds[name].type.bind_processor(dialect))
            for name in made.positiontup or ()
        ]
        return str(made), names
