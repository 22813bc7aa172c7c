"""The people behind a figure: who is or was below zero, and who lost money on a day."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, literal, select, tuple_
from sqlalchemy.orm import Session

from ates.analytics.models import DayBelow, Person, PersonDay

PAGE = 50


@dataclass(frozen=True)
class PersonCents:
    """One person and the amount that puts them on the list, below zero."""

    cents: int
    person_id: UUID
    name: str | None  # None: auth has not told of this person yet


Place = tuple[int, UUID] | None  # amount and id of the last person before the page


def below_now(session: Session, generation: int, after: Place = None) -> list[PersonCents]:
    """People below zero now, the deepest first: a page and one more."""
    query = select(Person.balance_cents, Person.person_id, Person.name).where(
        Person.generation == generation, Person.balance_cents < 0
    )
    return _page(session, query, (Person.balance_cents, Person.person_id), after)


def below_at_close(
    session: Session, generation: int, day: date, after: Place = None
) -> list[PersonCents]:
    """People who were below zero when the day was closed, the deepest first."""
    query = _named(DayBelow, DayBelow.balance_cents, generation, day)
    return _page(session, query, (DayBelow.balance_cents, DayBelow.person_id), after)


def lost_on(session: Session, generation: int, day: date, after: Place = None) -> list[PersonCents]:
    """People whom the day's fees and rewards left with less than before, the most lost first."""
    query = _named(PersonDay, PersonDay.earned_cents, generation, day).where(
        PersonDay.earned_cents < 0
    )
    return _page(session, query, (PersonDay.earned_cents, PersonDay.person_id), after)


def _named(rows: Any, cents: Any, generation: int, day: date) -> Any:
    mine = and_(Person.generation == generation, Person.person_id == rows.person_id)
    return (
        select(cents, rows.person_id, Person.name)
        .outerjoin(Person, mine)
        .where(rows.generation == generation, rows.business_date == day)
    )


def _page(
    session: Session, query: Any, columns: tuple[Any, ...], after: Place
) -> list[PersonCents]:
    if after is not None:
        place = (literal(value, each.type) for value, each in zip(after, columns, strict=True))
        query = query.where(tuple_(*columns) > tuple_(*place))
    rows = session.execute(query.order_by(*columns).limit(PAGE + 1))
    return [PersonCents(*row) for row in rows]
