"""Sums against sums, and each closed or paid day against what accounting said of it."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.orm import Session

from ates.analytics.models import DayBelow, DaySum, Head, Person, PersonDay
from ates.analytics.sums import closing_sums, paying_sums
from ates.contracts.accounting import LEDGER, DayClosed, DayPaid
from ates.kernel.events import load
from ates.kernel.tables import event_log

STREAM = f"ledger:{LEDGER}"
_NET = DaySum.fee_cents + DaySum.reward_cents + DaySum.adjustment_cents + DaySum.payout_cents


def counted(session: Session, generation: int) -> tuple[int, int]:
    """Entries and days a generation has."""
    row = session.execute(
        select(func.coalesce(func.sum(DaySum.entries), 0), func.count()).where(
            DaySum.generation == generation
        )
    ).one()
    return int(row[0]), row[1]


def quick(session: Session, generation: int, *, all_days: bool = False) -> Iterator[str]:
    """Σ people = Σ days = the head; unpaid days person by person; days against control events."""
    money = session.scalar(
        select(func.coalesce(func.sum(_NET), 0)).where(DaySum.generation == generation)
    )
    entries, _ = counted(session, generation)
    yield from _against_people(session, generation, int(money or 0), entries)
    yield from _days(session, generation, all_days)
    yield from _below(session, generation)
    yield from _control_events(session, generation)


def _against_people(session: Session, generation: int, money: int, entries: int) -> Iterator[str]:
    owed, posted = session.execute(
        select(
            func.coalesce(func.sum(Person.balance_cents), 0),
            func.coalesce(func.sum(Person.entries), 0),
        ).where(Person.generation == generation)
    ).one()
    last = session.scalar(select(Head.entry_no).where(Head.generation == generation)) or 0
    if owed != money:
        yield f"balances of people sum to {owed} cents, days to {money}"
    if not posted == entries == last:
        yield f"entries: people {posted}, days {entries}, last number {last}"


def _days(session: Session, generation: int, all_days: bool) -> Iterator[str]:
    """Days against what they brought each person; those that are paid do not change any more."""
    rows = session.execute(
        select(
            DaySum.business_date,
            (DaySum.fee_cents + DaySum.reward_cents).label("earned"),
            _NET.label("net"),
            func.coalesce(func.sum(PersonDay.earned_cents), 0),
            func.coalesce(func.sum(PersonDay.net_cents), 0),
        )
        .outerjoin(
            PersonDay,
            and_(
                PersonDay.generation == DaySum.generation,
                PersonDay.business_date == DaySum.business_date,
            ),
        )
        .where(DaySum.generation == generation, or_(literal(all_days), DaySum.state != "paid"))
        .group_by(DaySum.generation, DaySum.business_date)
        .order_by(DaySum.business_date)
    )
    for day, earned, net, earned_by, net_by in rows:
        if (earned, net) != (earned_by, net_by):
            yield f"{day}: {earned} and {net} cents, its people have {earned_by} and {net_by}"


def _below(session: Session, generation: int) -> Iterator[str]:
    """As many people are written down below zero at a close as accounting counted."""
    listed = (
        select(func.count())
        .where(DayBelow.generation == generation, DayBelow.business_date == DaySum.business_date)
        .correlate(DaySum)
        .scalar_subquery()
    )
    rows = session.execute(
        select(DaySum.business_date, DaySum.below_zero, listed)
        .where(DaySum.generation == generation, func.coalesce(DaySum.below_zero, 0) != listed)
        .order_by(DaySum.business_date)
    )
    for day, said, found in rows:
        yield f"{day}: {found} people are listed below zero, the close said {said}"


def _control_events(session: Session, generation: int) -> Iterator[str]:
    """Each closed or paid day against what accounting said then, as far as the log reaches back."""
    rows = session.execute(
        select(
            DaySum.__table__,
            event_log.c.type,
            event_log.c.version,
            event_log.c.data,
            event_log.c.key_version,
        )
        .join(
            event_log,
            or_(
                event_log.c.key_version == DaySum.closed_by,
                event_log.c.key_version == DaySum.paid_by,
            ),
        )
        .where(
            DaySum.generation == generation,
            event_log.c.source == "accounting",
            event_log.c.key == STREAM,
        )
        .order_by(DaySum.business_date, event_log.c.key_version)
    )
    for row in rows:
        said = load(row.type, row.version, json.loads(row.data), row.key_version)
        stated, found = _both_sides(said, row._mapping)
        if stated != found:
            yield f"{row.business_date}: {row.type} says {stated}, counted are {found}"


def _both_sides(said: Any, day: Any) -> tuple[object, object]:
    match said:
        case DayClosed():
            closing = (said.fee_cents, said.reward_cents, said.adjustment_cents, said.entries)
            return (said.business_date, *closing), (day["business_date"], *closing_sums(day))
        case DayPaid():
            paying = (said.payouts, said.payout_cents)
            return (said.business_date, *paying), (day["business_date"], *paying_sums(day))
    return type(said).__name__, "DayClosed or DayPaid"
