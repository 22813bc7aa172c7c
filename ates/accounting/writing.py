"""Many rows in one statement, inserted or merged, on both databases."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import Insert as PgInsert
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, Session

from ates.kernel import db

Row = Mapping[str, Any]
Insert = SqliteInsert | PgInsert
Merge = Callable[[Insert, Table], Insert]


def bulk(
    session: Session,
    model: type[DeclarativeBase],
    rows: Sequence[Row],
    merge: Merge | None = None,
) -> None:
    """Write `rows` (all with the same columns) in the order of their keys.

    Two writers that meet in one table then wait for each other instead of dying together.
    PostgreSQL gets one array per column, since one statement fires one trigger and is parsed once;
    SQLite's driver repeats a prepared statement faster than it reads a long one.
    """
    if not rows:
        return
    table = model.__table__
    assert isinstance(table, Table)
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: tuple(str(row[k]).zfill(20) for k in keys))
    names = tuple(ordered[0])
    if db.is_sqlite(session):
        session.execute(_plain(table, merge), ordered)
    else:
        columns = {_array(name): [row[name] for row in ordered] for name in names}
        session.execute(_arrays(table, names, merge), columns)


def columns_of(model: type[DeclarativeBase]) -> Sequence[Column[Any]]:
    """The columns of a model's table, in order."""
    table = model.__table__
    assert isinstance(table, Table)
    return list(table.columns)


def replace(*names: str) -> Merge:
    """The columns of the row that is there become those of the new one."""
    return _merging(lambda table, new: {name: new[name] for name in names})


def add(*names: str, latest: Sequence[str] = ()) -> Merge:
    """Add to the row that is there; columns named `latest` take the new value."""
    return _merging(
        lambda table, new: {
            **{name: table.c[name] + new[name] for name in names},
            **{name: new[name] for name in latest},
        }
    )


def newer(*names: str) -> Merge:
    """Replace the row that is there if its `version` is older; an older arrival changes nothing."""
    return _merging(
        lambda table, new: {name: new[name] for name in (*names, "version")},
        where=lambda table, new: table.c.version < new.version,
    )


def _merging(
    values: Callable[[Table, Any], Mapping[str, Any]],
    where: Callable[[Table, Any], ColumnElement[bool]] | None = None,
) -> Merge:
    def merge(statement: Insert, table: Table) -> Insert:
        return statement.on_conflict_do_update(
            index_elements=[column.name for column in table.primary_key],
            set_=dict(values(table, statement.excluded)),
            where=None if where is None else where(table, statement.excluded),
        )

    return merge


def _array(name: str) -> str:
    return f"all_{name}"  # a parameter with the name of a column would be taken for its value


@lru_cache(maxsize=64)
def _plain(table: Table, merge: Merge | None) -> Insert:
    statement = sqlite_insert(table)
    return statement if merge is None else merge(statement, table)


@lru_cache(maxsize=64)
def _arrays(table: Table, names: tuple[str, ...], merge: Merge | None) -> Insert:
    arrays = (bindparam(_array(name), type_=ARRAY(table.c[name].type)) for name in names)
    fresh = func.unnest(*arrays).table_valued(*names).render_derived(name="fresh")
    rows = select(*(fresh.c[name] for name in names))
    statement = pg_insert(table).from_select(list(names), rows, include_defaults=False)
    return statement if merge is None else merge(statement, table)
