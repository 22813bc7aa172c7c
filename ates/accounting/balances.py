"""Balances as of the end of a day, also of days whose payout has not happened yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, SQLColumnExpression, cast, func, select
from sqlalchemy.orm import Session

from ates.accounting.models import Account, AccountDay


def net_of(row: type[AccountDay] = AccountDay) -> ColumnElement[int]:
    """All that a day brought an account, signed."""
    return row.fee_cents + row.reward_cents + row.adjustment_cents + row.payout_cents


def total(column: SQLColumnExpression[int]) -> ColumnElement[int]:
    """A sum as a whole number: PostgreSQL sums BIGINT to NUMERIC, which Python sees as Decimal."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def as_of(day: date) -> Select[int, UUID, int]:
    """Account id, person and balance as of `day`: the present one without what counts later."""
    return _standing(day)[0]


def due(day: date, *, after: int = 0) -> Select[int, UUID, int]:
    """Those of `as_of` who are owed something, from the account behind `after` on."""
    everybody, cents = _standing(day)
    return everybody.where(Account.id > after, cents > 0)


@dataclass
class Standing:
    """Where everybody stands at the end of one day, its payout not made or just made."""

    people: int = 0  # to be paid
    cents: int = 0
    carried_people: int = 0  # below zero
    carried_cents: int = 0
    held_people: int = 0  # owed something, and not paid while their accounts are held
    held_cents: int = 0

    def add(self, cents: int, *, held: bool = False) -> int:
        """Count one balance; gives what is due of it now."""
        if cents < 0:
            self.carried_people += 1
            self.carried_cents += cents
        elif held and cents:
            self.held_people += 1
            self.held_cents += cents
        elif cents:
            self.people += 1
            self.cents += cents
            return cents
        return 0


@dataclass
class InMind:
    """The payouts of days in order, without writing: each day's sums carry over to the next."""

    held: frozenset[int] = frozenset()  # accounts that are skipped
    paid: dict[int, int] = field(default_factory=dict)  # by account, so far

    def settle(self, session: Session, days: Sequence[date]) -> Iterator[tuple[date, Standing]]:
        """For each day, who would be paid and who carries a debt over."""
        for day in days:
            standing = Standing()
            for account, _, cents in session.execute(as_of(day)):
                owed = cents - self.paid.get(account, 0)
                pay = standing.add(owed, held=account in self.held)
                if pay:
                    self.paid[account] = self.paid.get(account, 0) + pay
            yield day, standing


def _standing(day: date) -> tuple[Select[int, UUID, int], ColumnElement[int]]:
    later = (
        select(AccountDay.account_id, total(net_of()).label("cents"))
        .where(AccountDay.business_date > day)
        .group_by(AccountDay.account_id)
        .subquery()
    )
    cents = Account.balance_cents - func.coalesce(later.c.cents, 0)
    question = (
        select(Account.id, Account.person_id, cents.label("cents"))
        .outerjoin(later, later.c.account_id == Account.id)
        .order_by(Account.id)
    )
    return question, cents
