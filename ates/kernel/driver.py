"""Past SQLAlchemy, for what each batch does: plain statements, and what it knows not of psycopg.

It takes 20 µs to hand a worded statement on, which is what SQLite needs to answer it. Faults are
named as it names them.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import exc
from sqlalchemy.orm import Session

from ates.kernel import db

FAULTS = (sqlite3.Error, psycopg.Error)


def send(session: Session, statement: str, values: Sequence[Any] = ()) -> Any:
    """Run one statement of the driver with values as it takes them; the driver's cursor."""
    try:
        return _raw(session).execute(statement, values)
    except FAULTS as error:
        raise _named(session, statement, error) from error


def send_many(session: Session, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for each row. SQLite repeats a prepared one faster than it reads a long
    one."""
    try:
        _raw(session).executemany(statement, rows)
    except FAULTS as error:
        raise _named(session, statement, error) from error


@contextmanager
def pipelined(session: Session) -> Iterator[None]:
    """PostgreSQL works on the statements of the block while the next ones are made: none waits for
    the answer to the one before. What it refuses is raised at the end of the block, if not earlier.

    Nothing in the block may ask, nor look at how many rows were touched: the answer is not there
    yet. SQLite answers at once, as ever.
    """
    if db.is_sqlite(session):
        yield
        return
    try:
        with _raw(session).pipeline():
            yield
    except psycopg.Error as error:
        raise _named(session, "a pipeline", error) from error


def in_pipeline(session: Session) -> bool:
    """Whether a COPY, which PostgreSQL takes in no pipeline, has to be another statement."""
    status = _raw(session).pgconn.pipeline_status
    return bool(status != psycopg.pq.PipelineStatus.OFF)


@contextmanager
def copying(session: Session, statement: str, columns: list[list[str]]) -> Iterator[None]:
    """One COPY of the columns of a table: on its way within the block, there at its end."""
    text = "\n".join(["\t".join(row) for row in zip(*columns, strict=True)]) + "\n"
    try:
        with _raw(session).cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(text)
            yield
    except psycopg.Error as error:
        raise _named(session, statement, error) from error


def _raw(session: Session) -> Any:
    """The driver's connection; SQLAlchemy walks to it anew each time, so it is kept for a
    transaction."""
    kept = session.info.get("driver")
    if kept is None or kept[0] is not session.get_transaction():
        connection = session.connection()
        raw = connection.connection.dbapi_connection
        kept = session.info["driver"] = session.get_transaction(), connection, raw
    return kept[2]


def _named(session: Session, statement: str, error: Any) -> Any:
    _, connection, raw = session.info["driver"]  # a session that lost its connection gives no other
    lost = connection.dialect.is_disconnect(error, raw, None)
    if lost:
        connection.invalidate(error)
    base = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    return exc.DBAPIError.instance(
        statement, None, error, base, hide_parameters=True, connection_invalidated=lost
    )
