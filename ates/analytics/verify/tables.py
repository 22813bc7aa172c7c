"""The tables of one generation against each other: what a pruned log leaves to be checked."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, func, select
from sqlalchemy.orm import Session

from ates.analytics.models import (
    DayBelow,
    DayReward,
    DaySum,
    MinuteSum,
    MomentSum,
    Person,
    PersonDay,
    Task,
)
from ates.analytics.sums import RECENT

AT_ONCE = 2_000  # rows of a long answer


def differences(session: Session, generation: int) -> Iterator[str]:
    """Balances are the sums of days, tops those of tasks, minutes those of moments, and so on."""
    yield from _balances(session, generation)
    yield from _lost(session, generation)
    yield from _below(session, generation)
    yield from _rewards(session, generation)
    yield from _firsts(session, generation)
    yield from _moments(session, generation)


def _balances(session: Session, generation: int) -> Iterator[str]:
    total = cast(func.coalesce(func.sum(PersonDay.net_cents), 0), BigInteger)
    mine = and_(PersonDay.generation == generation, PersonDay.person_id == Person.person_id)
    rows = session.execute(
        select(Person.person_id, Person.balance_cents, total)
        .outerjoin(PersonDay, mine)
        .where(Person.generation == generation)
        .group_by(Person.generation, Person.person_id, Person.balance_cents)
        .having(Person.balance_cents != total)
        .order_by(Person.person_id)
    )
    for person, balance, days in rows:
        yield f"{person}: the balance is {balance} cents, the days brought {days}"


def _lost(session: Session, generation: int) -> Iterator[str]:
    found = (
        select(func.count())
        .where(
            PersonDay.generation == generation,
            PersonDay.business_date == DaySum.business_date,
            PersonDay.earned_cents < 0,
        )
        .correlate(DaySum)
        .scalar_subquery()
    )
    rows = session.execute(
        select(DaySum.business_date, DaySum.lost, found)
        .where(DaySum.generation == generation, DaySum.state != "open")
        .where(func.coalesce(DaySum.lost, -1) != found)
        .order_by(DaySum.business_date)
    )
    for day, lost, counted in rows:
        yield f"{day}: {lost} people are said to have lost money, {counted} have"


def _below(session: Session, generation: int) -> Iterator[str]:
    """Balances day by day: who is below zero after a paid day was so at its close."""
    paid = session.scalars(
        select(DaySum.business_date).where(DaySum.generation == generation, DaySum.state == "paid")
    )
    settled = set(paid)
    rows = session.execute(
        select(PersonDay.business_date, PersonDay.person_id, PersonDay.net_cents)
        .where(PersonDay.generation == generation)
        .order_by(PersonDay.business_date)
        .execution_options(yield_per=AT_ONCE)
    )
    balances: Counter[UUID] = Counter()
    for day, group in groupby(rows, key=lambda row: row.business_date):
        for row in group:
            balances[row.person_id] += row.net_cents
        if day in settled:
            expected = {who: cents for who, cents in balances.items() if cents < 0}
            yield from _listed(session, generation, day, expected)


def _listed(
    session: Session, generation: int, day: Any, expected: dict[UUID, int]
) -> Iterator[str]:
    rows = session.execute(
        select(DayBelow.person_id, DayBelow.balance_cents).where(
            DayBelow.generation == generation, DayBelow.business_date == day
        )
    )
    listed = {row.person_id: row.balance_cents for row in rows}
    for who in sorted(expected.keys() | listed.keys()):
        if expected.get(who) != listed.get(who):
            yield (
                f"{day}, {who}: listed below zero with {listed.get(who)} cents,"
                f" the days brought {expected.get(who)}"
            )


def _rewards(session: Session, generation: int) -> Iterator[str]:
    """The histogram of each day against its tasks, both ways, and all rewards against all days."""
    counted = session.execute(
        select(Task.completed_on, Task.reward_cents, func.count())
        .where(Task.generation == generation)
        .group_by(Task.completed_on, Task.reward_cents)
    )
    told = session.execute(
        select(DayReward.completed_on, DayReward.reward_cents, DayReward.tasks).where(
            DayReward.generation == generation
        )
    )
    there = {(day, cents): tasks for day, cents, tasks in counted}
    here = {(day, cents): tasks for day, cents, tasks in told}
    for day, cents in sorted(here.keys() | there.keys()):
        said, found = here.get((day, cents), 0), there.get((day, cents), 0)
        if said != found:
            yield f"{day}: {said} tasks at {cents} cents, {found} are there"
    booked = session.scalar(
        select(func.sum(DaySum.reward_cents)).where(DaySum.generation == generation)
    )
    rewarded = sum(cents * tasks for (_, cents), tasks in there.items())
    if int(booked or 0) != rewarded:
        yield f"rewards of days sum to {booked} cents, those of tasks to {rewarded}"


def _firsts(session: Session, generation: int) -> Iterator[str]:
    """The task a tie is named by is the first completed."""
    first = (
        select(Task.task_id)
        .where(
            Task.generation == generation,
            Task.reward_cents == DayReward.reward_cents,
            Task.completed_on == DayReward.completed_on,
        )
        .order_by(Task.completed_at, Task.task_id)
        .limit(1)
        .correlate(DayReward)
        .scalar_subquery()
    )
    rows = session.execute(
        select(DayReward, first.label("first"), Task.person_id, Task.completed_at)
        .outerjoin(
            Task, and_(Task.generation == generation, Task.task_id == DayReward.first_task_id)
        )
        .where(DayReward.generation == generation)
        .order_by(DayReward.completed_on, DayReward.reward_cents)
    )
    for reward, task, person, moment in rows:
        said = (reward.first_task_id, reward.first_person_id, reward.first_completed_at)
        if said != (task, person, moment):
            yield f"{reward.completed_on}: {reward.reward_cents} cents are not first of {said[0]}"


def _moments(session: Session, generation: int) -> Iterator[str]:
    """Minutes are made of moments, and both make up the newest days."""
    minutes: Counter[tuple[Any, Any]] = Counter()
    days: Counter[Any] = Counter()
    found = session.execute(
        select(MomentSum.business_date, MomentSum.occurred_at, MomentSum.earned_cents)
        .where(MomentSum.generation == generation)
        .execution_options(yield_per=AT_ONCE)
    )
    for day, at, cents in found:
        minutes[day, at.replace(second=0, microsecond=0)] += cents
        days[day] += cents
    for minute in session.execute(select(MinuteSum).where(MinuteSum.generation == generation)):
        row = minute[0]
        if minutes.pop((row.business_date, row.began_at), None) != row.earned_cents:
            yield f"{row.business_date}: the minute {row.began_at} is not what its moments say"
    for day, began in sorted(minutes):
        yield f"{day}: the minute {began} is missing"
    newest = session.execute(
        select(DaySum.business_date, DaySum.fee_cents + DaySum.reward_cents)
        .where(DaySum.generation == generation)
        .order_by(DaySum.business_date.desc())
        .limit(RECENT)
    )
    for day, earned in newest:
        if days.pop(day, 0) != earned:
            yield f"{day}: its moments do not sum to {earned} cents"
    for day in sorted(days):
        yield f"{day}: its moments should be gone"
