"""Many rows in one statement of the driver, on both databases: inserted, merged, looked up.

SQLAlchemy words each statement once. The values go past it, column by column: what it does for each
value of each row costs more than the database does with it (docs/performance.md).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from types import GenericAlias
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import Insert as PgInsert
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ates.kernel import db, driver
from ates.kernel.types import Day, Id, Truth, UTCDateTime, sortable
from ates.kernel.worded import ON_POSTGRESQL, ON_SQLITE

Row = Mapping[str, Any]
Insert = SqliteInsert | PgInsert
Merge = Callable[[Insert, Table], Insert]
Turn = Callable[[Any], Any]  # the values of a column, as the driver takes them

COPIED_FROM = 20  # rows; fewer are not worth the two more messages of a COPY
QUOTED = (Text, LargeBinary)  # what can hold anything, also a quote or a comma
UTC_LENGTH = len("2026-11-24T10:00:00.000000Z")  # of a whole second, msgspec writes no fraction


def write(session: Session, table: Table, rows: Sequence[Row], merge: Merge | None = None) -> None:
    """`lay` for rows that name their columns, all the same."""
    if rows:
        names = tuple(rows[0])
        lay(session, table, names, [tuple([row[name] for name in names]) for row in rows], merge)


def lay(
    session: Session,
    table: Table,
    names: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    merge: Merge | None = None,
) -> None:
    """Write `rows`, each with the values of `names`, in the order of their keys, or in their own
    order where the database draws the key.

    Two writers that meet in one table then wait for each other instead of dying together.
    PostgreSQL gets a COPY, or where rows merge an array per column: one statement fires one trigger
    and is parsed once. SQLite repeats a prepared statement faster than it reads a long one.
    """
    if not rows:
        return
    order = _order(table, names)
    ordered = rows if order is None else sorted(rows, key=order)
    columns = dict(zip(names, zip(*ordered, strict=True), strict=True))
    with writing(session, table, columns, merge):
        pass


@contextmanager
def writing(
    session: Session, table: Table, columns: Mapping[str, Sequence[Any]], merge: Merge | None = None
) -> Iterator[None]:
    """The same for rows that stand side by side in `columns`, in the order of their keys: there at
    the end of the block, which must not speak to the database.

    PostgreSQL takes a COPY in while the block works. SQLite waits until it is done: what is made of
    the same things is made faster before it than after it, while they are in the caches.
    """
    on_sqlite, rows = db.is_sqlite(session), len(next(iter(columns.values())))
    if not rows:
        yield
        return
    copies = (
        not on_sqlite and merge is None and rows >= COPIED_FROM and not driver.in_pipeline(session)
    )
    names = tuple(columns)
    statement, turns = _copy(table, names) if copies else _insert(table, names, merge, on_sqlite)
    turned = [turn(columns[name]) for name, turn in turns]
    if copies:
        with driver.copying(session, statement, turned):
            yield
        return
    if on_sqlite:
        all_rows = list(zip(*turned, strict=True))
        yield
        driver.send_many(session, statement, all_rows)
    else:
        driver.send(session, statement, turned)
        yield


def find(session: Session, among: Any, values: Collection[Any], *names: str) -> list[Any]:
    """Rows of the columns `names` where the column `among` has one of the values; one statement."""
    if not values:
        return []
    statement, turn, shape = _select(among, names, db.is_sqlite(session))
    found = driver.send(session, statement, (turn(list(values)),)).fetchall()
    rows: list[Any] = msgspec.convert(found, shape)
    return rows


# --- statements, worded once ----------------------------------------------------------------------


@lru_cache(maxsize=256)
def _insert(
    table: Table, names: tuple[str, ...], merge: Merge | None, on_sqlite: bool
) -> tuple[str, list[tuple[str, Turn]]]:
    """The text of an insert, and how each of its columns, in the text's order, is turned."""
    if on_sqlite:
        plain = sqlite_insert(table)
        merged: Insert = plain if merge is None else merge(plain, table)
        compiled = merged.compile(dialect=ON_SQLITE, column_keys=list(names))
        order = compiled.positiontup or []
        return str(compiled), [(name, _for_sqlite(table.c[name])) for name in order]
    arrays = (bindparam(f"all_{name}", type_=ARRAY(table.c[name].type)) for name in names)
    fresh = func.unnest(*arrays).table_valued(*names).render_derived(name="fresh")
    rows = select(*(fresh.c[name] for name in names))
    many = pg_insert(table).from_select(list(names), rows, include_defaults=False)
    merged = many if merge is None else merge(many, table)
    compiled = merged.compile(dialect=ON_POSTGRESQL)
    order = [name.removeprefix("all_") for name in compiled.positiontup or []]
    return str(compiled), [(name, array_of(table.c[name].type)) for name in order]


@lru_cache(maxsize=256)
def _copy(table: Table, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Turn]]]:
    """The text of a COPY, and how each of its columns is turned."""
    quoted = ", ".join(ON_POSTGRESQL.identifier_preparer.quote(name) for name in names)
    turns = [(name, _copied(table.c[name].type)) for name in names]
    return f"COPY {table.name} ({quoted}) FROM STDIN", turns


@lru_cache(maxsize=256)
def _select(among: Column[Any], names: tuple[str, ...], on_sqlite: bool) -> tuple[str, Turn, Any]:
    """The text of a look-up, how its values are turned, and what the rows found are turned into."""
    table = among.table
    what = f"SELECT {', '.join(names)} FROM {table.name} WHERE {among.name}"  # noqa: S608 - our names
    shape = GenericAlias(list, GenericAlias(tuple, tuple(_read(table.c[name]) for name in names)))
    if on_sqlite:
        return f"{what} IN (SELECT value FROM json_each(?))", _json, shape  # noqa: S608
    kind = among.type.compile(ON_POSTGRESQL)
    return f"{what} = ANY(%s::{kind}[])", array_of(among.type), shape


@lru_cache(maxsize=256)
def _order(table: Table, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any] | None:
    """What rows are sorted by: their key, a UUID as the number it is, which compares faster."""
    key = list(table.primary_key)
    if not {column.name for column in key} <= set(names):
        return None
    places = [names.index(column.name) for column in key]
    ids = {place for place, column in zip(places, key, strict=True) if isinstance(column.type, Id)}
    if not ids:
        return itemgetter(*places)
    if len(places) == 1:
        place = places[0]
        return lambda row: row[place].int
    return lambda row: tuple([row[each].int if each in ids else row[each] for each in places])


# --- values, a column at a time -------------------------------------------------------------------


def _for_sqlite(column: Column[Any]) -> Turn:
    kind = column.type
    if isinstance(kind, UTCDateTime):
        return _sortable
    if isinstance(kind, Day):
        return _days
    if isinstance(kind, Id):
        return msgspec.to_builtins
    if isinstance(kind, Truth):
        return lambda values: [None if value is None else int(value) for value in values]
    return _same


def _read(column: Column[Any]) -> Any:
    """What a value of this column is in Python, for msgspec, which makes it of SQLite's text."""
    kind = column.type
    assert not isinstance(kind, Day | Truth), f"{column} is not looked up"
    if isinstance(kind, Id):
        return UUID | None
    if isinstance(kind, UTCDateTime):
        return datetime | None
    return Any


def _same(values: list[Any]) -> list[Any]:
    return values


def _json(values: list[Any]) -> str:
    return msgspec.json.encode(values).decode()


def _sortable(moments: list[datetime | None]) -> list[str | None]:
    """`types.sortable` for many; msgspec writes a moment in UTC ten times faster."""
    count, first = len(moments), moments[0]
    if first is moments[-1] and moments.count(first) == count:  # a batch writes at one moment
        _refuse_naive([first])
        return [None if first is None else sortable(first)] * count
    texts = msgspec.to_builtins(moments)
    if None not in texts:
        written = "\n".join(texts)
        if written.count("Z") == count and len(written) == count * (UTC_LENGTH + 1) - 1:
            return cast("list[str | None]", written.replace("Z", "+00:00").split("\n"))
    _refuse_naive(moments)
    return [None if moment is None else sortable(moment) for moment in moments]


def _days(days: list[date | None]) -> list[str | None]:
    texts = {day: None if day is None else day.isoformat() for day in set(days)}
    return [texts[day] for day in days]


def _refuse_naive(moments: list[datetime | None]) -> None:
    for moment in moments:
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"a naive moment cannot be stored: {moment!r}")


def array_of(kind: Any) -> Turn:
    """How values of a type become the text of a PostgreSQL array, which psycopg would make of them
    value by value, 2 µs each."""
    words, quote = _words_of(kind), _quoted if isinstance(kind, QUOTED) else _same
    return lambda values: _array(quote(words(values)))


def _copied(kind: Any) -> Turn:
    """How values of a type become fields of COPY."""
    words, escape = _words_of(kind), _escaped if isinstance(kind, QUOTED) else _same
    return lambda values: [r"\N" if each is None else each for each in escape(words(values))]


def _words_of(kind: Any) -> Turn:
    """Values as PostgreSQL reads them, not quoted yet."""
    if isinstance(kind, UTCDateTime):
        return _moments
    if isinstance(kind, Id | Day):
        return msgspec.to_builtins
    if isinstance(kind, LargeBinary):
        return lambda values: [each and f"\\x{each.hex()}" for each in values]
    if isinstance(kind, Text):
        return _same
    assert isinstance(kind, Integer | Truth), f"{kind!r} has no text here yet"
    return lambda values: [None if each is None else str(each) for each in values]


def _moments(moments: list[datetime | None]) -> Any:
    _refuse_naive(moments)
    return msgspec.to_builtins(moments)


def _array(texts: list[str | None]) -> str:
    return "{" + ",".join(["NULL" if text is None else text for text in texts]) + "}"


def _quoted(texts: list[str | None]) -> list[str | None]:
    return [
        text and '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if text is None or text
        else '""'
        for text in texts
    ]


def _escaped(texts: list[str | None]) -> list[str | None]:
    for plain, written in (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r")):
        texts = [text and text.replace(plain, written) for text in texts]
    return texts
