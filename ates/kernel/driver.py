"""What SQLAlchemy does not know of psycopg: COPY and pipelines, with faults named as ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, exc
from sqlalchemy.orm import Session

from ates.kernel import db


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
    connection = session.connection()
    with _named(connection, "a pipeline"), _raw(connection).pipeline():
        yield


def in_pipeline(session: Session) -> bool:
    """Whether a COPY, which PostgreSQL takes in no pipeline, has to be another statement."""
    status = _raw(session.connection()).pgconn.pipeline_status
    return bool(status != psycopg.pq.PipelineStatus.OFF)


@contextmanager
def copying(session: Session, statement: str, columns: list[list[str]]) -> Iterator[None]:
    """One COPY of the columns of a table: on its way within the block, there at its end."""
    connection = session.connection()
    text = "\n".join(["\t".join(row) for row in zip(*columns, strict=True)]) + "\n"
    with (
        _named(connection, statement),
        _raw(connection).cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(text)
        yield


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


@contextmanager
def _named(connection: Connection, statement: str) -> Iterator[None]:
    raw = _raw(connection)
    try:
        yield
    except psycopg.Error as error:
        orig: Any = error
        lost = connection.dialect.is_disconnect(orig, raw, None)
        if lost:
            connection.invalidate(error)
        raise exc.DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost
        ) from error
