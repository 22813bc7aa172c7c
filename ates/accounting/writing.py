"""Many rows in one statement, inserted or merged, on both databases."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.orm import DeclarativeBase, Session

from ates.kernel import many
from ates.kernel.many import Insert, Merge, Row

__all__ = [
    "Merge",
    "Row",
    "add",
    "bulk",
    "columns_of",
    "lay",
    "names_of",
    "newer",
    "replace",
    "writing",
]


def bulk(
    session: Session,
    model: type[DeclarativeBase],
    rows: Sequence[Row],
    merge: Merge | None = None,
) -> None:
    """Write `rows` (all with the same columns) in the order of their keys (kernel.many)."""
    table = model.__table__
    assert isinstance(table, Table)
    many.write(session, table, rows, merge)


def lay(
    session: Session,
    model: type[DeclarativeBase],
    names: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    merge: Merge | None = None,
) -> None:
    """The same for rows that are the values of `names` (kernel.many)."""
    table = model.__table__
    assert isinstance(table, Table)
    many.lay(session, table, names, rows, merge)


def writing(
    session: Session,
    model: type[DeclarativeBase],
    columns: Mapping[str, Sequence[Any]],
    merge: Merge | None = None,
) -> AbstractContextManager[None]:
    """Write rows that stand side by side in `columns`, in the order of their keys, while a block
    works (kernel.many)."""
    table = model.__table__
    assert isinstance(table, Table)
    return many.writing(session, table, columns, merge)


def names_of(model: type[DeclarativeBase]) -> Sequence[str]:
    """The columns of a model's table, in order."""
    return [column.name for column in model.__table__.columns]


def columns_of(things: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    """Side by side, as `writing` takes them, what things know under these names."""
    return {name: list(map(attrgetter(name), things)) for name in names}


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
