"""Generations of a consumer: `analytics` is its first, `analytics@2` is filled beside it."""

from typing import Any

from sqlalchemy import MetaData, Table, delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from ates.kernel.tables import consumer

READS = ("live", "paused")  # the modes of the generation whose figures are shown


def base_of(name: str) -> str:
    """`analytics` of `analytics@2`: what its inbox is called and Redis rings."""
    return name.partition("@")[0]


def number_of(name: str) -> int:
    """2 of `analytics@2`; a name without a number is the first generation."""
    _, _, number = name.partition("@")
    return int(number) if number else 1


def family(base: str) -> Any:
    """The consumer rows of all generations."""
    return or_(consumer.c.name == base, consumer.c.name.startswith(f"{base}@", autoescape=True))


def live(session: Session, base: str) -> str:
    """The generation whose figures are shown: `base` itself, or what was swapped in."""
    return _named(session, base, READS) or base


def rebuilding(session: Session, base: str) -> str | None:
    """The generation that is filled beside the live one."""
    return _named(session, base, ("rebuild",))


def retired(session: Session, base: str) -> str | None:
    """A generation nobody reads any more and whose rows are still there."""
    return _named(session, base, ("retired",))


def differing(session: Session, tables: MetaData | None, one: str, other: str) -> int:
    """How many rows of read models only one of two generations has; a changed row counts twice."""
    count = 0
    for table in _models(tables):
        columns = [column for column in table.c if column.name != "generation"]
        rows = [
            select(*columns).where(table.c.generation == number_of(name)) for name in (one, other)
        ]
        for mine, others in (rows, rows[::-1]):
            query = select(func.count()).select_from(mine.except_(others).subquery())
            count += session.scalar(query) or 0
    return count


def delete_some(session: Session, tables: MetaData | None, name: str, limit: int) -> int:
    """Delete at most `limit` rows of a generation's read models. How many went."""
    for table in _models(tables):
        keys = table.primary_key.columns
        some = select(*keys).where(table.c.generation == number_of(name)).limit(limit)
        gone: Any = session.execute(delete(table).where(tuple_(*keys).in_(some)))
        if gone.rowcount:
            return int(gone.rowcount)
    return 0


def _models(tables: MetaData | None) -> list[Table[Any]]:
    """The tables whose rows belong to a generation, children first."""
    found = tables.sorted_tables if tables is not None else []
    return [table for table in reversed(found) if "generation" in table.c]


def _named(session: Session, base: str, modes: tuple[str, ...]) -> str | None:
    query = select(consumer.c.name).where(family(base), consumer.c.mode.in_(modes))
    return session.scalar(query.order_by(consumer.c.name).limit(1))
