"""Pages by key: the thousandth is as fast as the first, and none is twice or lost meanwhile."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from ates.kernel.asking import columns

PAGE = 50

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Order:
    """The columns a list is sorted by, all in one direction; together they are unique."""

    columns: tuple[Column, ...]
    descending: bool = True

    def by(self, backwards: bool) -> list[ColumnElement[Any]]:
        down = self.descending != backwards
        return [each.desc() if down else each.asc() for each in self.columns]

    def beyond(self, place: Sequence[Any], backwards: bool) -> ColumnElement[bool]:
        """Rows that come after `place`, or before it when going backwards."""
        here = tuple_(*self.columns)
        there = tuple_(
            *(literal(value, each.type) for value, each in zip(place, self.columns, strict=True))
        )
        return here < there if self.descending != backwards else here > there


@dataclass(frozen=True)
class Listing:
    """A list and its order. One that is always asked alike is kept: statements are slow to make."""

    query: Select[*tuple[Any, ...]]
    order: Order

    @cached_property
    def first(self) -> Select[*tuple[Any, ...]]:
        """The statement of the first page; one row more tells whether there is another."""
        return self.query.order_by(*self.order.by(False)).limit(PAGE + 1)

    def beyond(self, place: Sequence[Any], backwards: bool) -> Select[*tuple[Any, ...]]:
        """The statement of the page after `place`, or before it."""
        rest = self.query.where(self.order.beyond(place, backwards))
        return rest.order_by(*self.order.by(backwards)).limit(PAGE + 1)


@dataclass(frozen=True)
class Page:
    """Rows of one page and the cursors to its neighbours."""

    rows: list[Row[Any]]
    newer: str | None
    older: str | None


def page(session: Session, listing: Listing, cursor: str | None, **values: Any) -> Page:
    """The page behind `cursor`; a cursor that cannot be read is the first page."""
    order = listing.order
    place, backwards = _read(cursor, order)
    statement = listing.first if place is None else listing.beyond(place, backwards)
    rows = list(columns(session, statement, **values))
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    before = more if backwards else place is not None
    after = True if backwards else more
    return Page(
        rows,
        _write(rows[0], order, backwards=True) if rows and before else None,
        _write(rows[-1], order, backwards=False) if rows and after else None,
    )


def _write(row: Row[Any], order: Order, *, backwards: bool) -> str:
    values = [getattr(row, each.key) for each in order.columns]
    plain = [each.isoformat() if isinstance(each, datetime) else each for each in values]
    text = json.dumps([int(backwards), *plain], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read(cursor: str | None, order: Order) -> tuple[list[Any] | None, bool]:
    if not cursor or len(cursor) > 200:
        return None, False
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        backwards, *values = plain
        place = [_as(each)(value) for value, each in zip(values, order.columns, strict=True)]
    except (ValueError, TypeError, binascii.Error):
        return None, False
    return place, bool(backwards)


def _as(column: Column) -> Callable[[Any], Any]:
    kind = column.type.python_type
    return _moment if kind is datetime else _whole


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError("no number of a row")
    return value
