"""One business day: what it waits for, whether its figures agree, who earned and lost most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, select, union_all
from sqlalchemy.orm import Session

from ates.accounting.balances import net_of, total
from ates.accounting.models import (
    Account,
    AccountDay,
    BusinessDay,
    Payout,
    PayoutLetter,
    Person,
)
from ates.accounting.queries.accounts import Brought
from ates.accounting.queries.days import DayFigures, with_sums
from ates.kernel.errors import N_, NotFound
from ates.kernel.lag import unhandled_before


@dataclass(frozen=True)
class Settled:
    """The payouts of a day, counted where they stand."""

    people: int
    cents: int
    letters: int


@dataclass(frozen=True)
class DayDetail:
    """What the page of one day shows beside its sums."""

    figures: DayFigures
    ended: bool
    waiting: int  # events of the day on their way
    aside: int  # events of the day set aside
    people_cents: int  # the day's entries, summed over people
    payouts: Settled
    earned_most: tuple[Brought, ...]
    lost_most: tuple[Brought, ...]

    @property
    def differ_cents(self) -> int:
        """Balances = entries: what people got by the day against what its kinds sum to."""
        return self.people_cents - sum(each.amount_cents for each in self.figures.sums.values())

    @property
    def paid_differ(self) -> bool:
        """Payouts = letters = entries, in number; payouts = entries, in cents."""
        booked = self.figures.payout
        same = self.payouts.people == self.payouts.letters == booked.entries
        return not same or self.payouts.cents != -booked.amount_cents


def begun(session: Session, day: date, *, at: datetime) -> DayFigures:
    """The sums of one day: two statements. Raises NotFound for a day the books do not have."""
    return _begun(session, day, at)[1]


def one_day(session: Session, day: date, *, at: datetime) -> DayDetail:
    """Everything about one day. Raises NotFound for a day the books do not have."""
    row, figures, counted = _begun(session, day, at, *_over_people(day))
    ended = row.ends_at <= at
    closable = ended and row.state == "open"
    lag = unhandled_before(session, "accounting", row.ends_at) if closable else None
    extremes = _extremes(session, day)
    return DayDetail(
        figures=figures,
        ended=ended,
        waiting=lag.waiting if lag else 0,
        aside=lag.parked if lag else row.parked or 0,
        people_cents=int(counted[0]),
        payouts=Settled(*map(int, counted[1:])),
        earned_most=tuple(each for each in extremes if each.cents > 0),
        lost_most=tuple(each for each in reversed(extremes) if each.cents < 0),
    )


# --- how -----------------------------------------------------------------------------------------


def _begun(
    session: Session, day: date, at: datetime, *beside: ScalarSelect[Any]
) -> tuple[BusinessDay, DayFigures, Sequence[Any]]:
    found = session.execute(
        select(BusinessDay, *beside).where(BusinessDay.business_date == day)
    ).one_or_none()
    if found is None or found[0].starts_at > at:
        raise NotFound(N_("The books have no such day."))
    row, *counted = found
    (figures,) = with_sums(session, [row])
    return row, figures, counted


def _over_people(day: date) -> list[ScalarSelect[Any]]:
    """What people got by a day, its payouts and their sum, its letters: each counted for itself."""
    paid, letters = Payout.business_date == day, PayoutLetter.business_date == day
    return [
        select(total(net_of())).where(AccountDay.business_date == day).scalar_subquery(),
        select(func.count()).select_from(Payout).where(paid).scalar_subquery(),
        select(total(Payout.amount_cents)).where(paid).scalar_subquery(),
        select(func.count()).select_from(PayoutLetter).where(letters).scalar_subquery(),
    ]


def _extremes(session: Session, day: date) -> list[Brought]:
    """The ten who earned most and the ten who lost most by fees and rewards, best first."""
    earned = AccountDay.fee_cents + AccountDay.reward_cents
    query = (
        select(AccountDay.account_id, earned.label("cents"))
        .where(AccountDay.business_date == day)
        .limit(10)
    )
    best = query.where(earned > 0).order_by(earned.desc(), AccountDay.account_id).subquery()
    worst = query.where(earned < 0).order_by(earned, AccountDay.account_id).subquery()
    twenty = union_all(select(best), select(worst)).subquery()  # before anybody's name is read
    rows = session.execute(
        select(Account.person_id, Person.name, twenty.c.cents)
        .join(twenty, twenty.c.account_id == Account.id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .order_by(twenty.c.cents.desc(), Account.id)
    )
    return [Brought(*row) for row in rows]
