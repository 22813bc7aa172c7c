"""The close of a day as analytics sees it: who is below zero, and who lost money (R19)."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Select, case, cast, func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from ates.analytics.models import DayBelow, DaySum, Person, PersonDay


def keep_below(session: Session, generation: int, day: date) -> None:
    """Write down everybody whose balance as of `day` is below zero.

    As accounting counts them: earlier days that are closed and not paid yet count as paid, or
    three missed nights would hide a debt behind pay that is still to come (books.md, chapter 7).
    """
    unpaid = session.scalars(
        select(DaySum.business_date).where(
            DaySum.generation == generation, DaySum.state == "closed", DaySum.business_date < day
        )
    ).all()
    later = _after(generation, day).subquery()
    balance = Person.balance_cents - func.coalesce(later.c.cents, 0)
    people = select(Person.person_id).outerjoin(later, later.c.person_id == Person.person_id)
    if unpaid:
        least = _least_after(generation, unpaid).subquery()
        highest = Person.balance_cents - func.coalesce(least.c.cents, 0)
        balance = balance - case((highest > 0, highest), else_=0)
        people = people.outerjoin(least, least.c.person_id == Person.person_id)
    rows = people.add_columns(literal(generation), literal(day, DayBelow.business_date.type))
    rows = rows.add_columns(cast(balance, BigInteger)).where(
        Person.generation == generation, Person.entries > 0, balance < 0
    )
    columns = ["person_id", "generation", "business_date", "balance_cents"]
    session.execute(insert(DayBelow).from_select(columns, rows))


def lost_on(session: Session, generation: int, day: date) -> int:
    """How many people fees and rewards of the day left with less than before."""
    found = session.scalar(
        select(func.count()).where(
            PersonDay.generation == generation,
            PersonDay.business_date == day,
            PersonDay.earned_cents < 0,
        )
    )
    return found or 0


def _after(generation: int, day: date) -> Select[UUID, int]:
    """What each person got by days after `day`; nothing is no row."""
    return (
        select(
            PersonDay.person_id,
            cast(func.sum(PersonDay.net_cents), BigInteger).label("cents"),
        )
        .where(PersonDay.generation == generation, PersonDay.business_date > day)
        .group_by(PersonDay.person_id)
    )


def _least_after(generation: int, days: Sequence[date]) -> Select[UUID, int]:
    """Per person the least of what came after each of these days, a missing row being zero.

    The balance without it is the highest as of any of these days: what would have been paid.
    """
    each = union_all(*(_after(generation, day) for day in days)).subquery()
    least = func.min(each.c.cents)
    some = case((func.count() < len(days), case((least < 0, least), else_=0)), else_=least)
    return select(each.c.person_id, some.label("cents")).group_by(each.c.person_id)
