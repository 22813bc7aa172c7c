"""The trial balance: what each account of the general ledger stands at, as debit or as credit."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, select, true, union_all
from sqlalchemy.orm import Session

from ates.accounting.balances import net_of, total
from ates.accounting.models import Account, AccountDay, DayTotal, PostingKind
from ates.kernel.errors import N_

PAYABLE = 2000
NAMES = {  # of the general ledger's accounts, as pages call them
    1000: N_("Cash"),
    2000: N_("Payable to popugs"),
    4000: N_("Fee income"),
    5000: N_("Reward expense"),
    5900: N_("Adjustments"),
}


@dataclass(frozen=True)
class Standing:
    """One account: + is a credit."""

    number: int
    cents: int

    @property
    def name(self) -> str:
        return NAMES.get(self.number, "")

    @property
    def debit_cents(self) -> int:
        return max(0, -self.cents)

    @property
    def credit_cents(self) -> int:
        return max(0, self.cents)


@dataclass(frozen=True)
class TrialBalance:
    """All accounts, by number."""

    accounts: tuple[Standing, ...]

    @property
    def debit_cents(self) -> int:
        return sum(each.debit_cents for each in self.accounts)

    @property
    def credit_cents(self) -> int:
        return sum(each.credit_cents for each in self.accounts)

    @property
    def balanced(self) -> bool:
        """Debits = credits: the company's side comes from the days, the people's from accounts."""
        return self.debit_cents == self.credit_cents


def trial_balance(
    session: Session, *, first: date | None = None, last: date | None = None
) -> TrialBalance:
    """Of the days from `first` to `last`, both included; without them of all there is, now.

    One statement: both sides are of one moment also while entries are posted.
    """
    rows = session.execute(union_all(_company(first, last), _people(first, last)))
    found = [Standing(number, int(cents)) for number, cents in rows]
    return TrialBalance(tuple(sorted(found, key=lambda each: each.number)))


def _company(first: date | None, last: date | None) -> Select[*tuple[Any, ...]]:
    """Each contra account, from the totals of days."""
    of = and_(DayTotal.kind == PostingKind.kind, _between(DayTotal.business_date, first, last))
    return (
        select(PostingKind.contra, -total(DayTotal.amount_cents))
        .outerjoin(DayTotal, of)
        .group_by(PostingKind.contra)
    )


def _people(first: date | None, last: date | None) -> Select[*tuple[Any, ...]]:
    """2000, from the accounts: balances as they are now, less what counts in later days."""
    if first is not None:
        found = select(total(net_of())).where(_between(AccountDay.business_date, first, last))
        return select(literal(PAYABLE), found.scalar_subquery())
    balances = select(total(Account.balance_cents)).scalar_subquery()
    if last is None:
        return select(literal(PAYABLE), balances)
    later = select(total(net_of())).where(AccountDay.business_date > last).scalar_subquery()
    return select(literal(PAYABLE), balances - later)


def _between(column: Any, first: date | None, last: date | None) -> ColumnElement[bool]:
    conditions = [column >= first] if first is not None else []
    conditions += [column <= last] if last is not None else []
    return and_(true(), *conditions)
