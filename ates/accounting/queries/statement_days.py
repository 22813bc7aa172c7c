"""The days of one account: what statements and their list are read from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from ates.accounting.balances import net_of, total
from ates.accounting.holds import is_held
from ates.accounting.models import (
    Account,
    AccountDay,
    BusinessDay,
    DayState,
    PayoutLetter,
    Person,
)
from ates.accounting.queries.holds import ShownState
from ates.accounting.statements import Period, Sums

SUMS = (
    AccountDay.fee_cents,
    AccountDay.reward_cents,
    AccountDay.adjustment_cents,
    AccountDay.payout_cents,
)


@dataclass(frozen=True)
class Holder:
    """Whose statement it is."""

    account_id: int
    person_id: UUID
    name: str | None
    trade: str | None
    balance_cents: int  # now


@dataclass(frozen=True)
class StatementDay:
    """One day of a statement: a day without entries carries the balance on."""

    day: date
    state: DayState
    sums: Sums
    entries: int
    seqs: tuple[int, int] | None  # the range that contains them
    letter: str | None
    sent_at: datetime | None
    held: bool = False
    carried_cents: int = 0  # known when all days are

    @property
    def shown(self) -> ShownState:
        """The state for people: a day with an active hold is held."""
        return "held" if self.held else self.state

    def ending(self, carried_cents: int) -> Self:
        """The same day with the balance at its end."""
        return replace(self, carried_cents=carried_cents)


def holder_of(session: Session, person_id: UUID) -> Holder | None:
    """The account of a person; None for somebody for whom nothing was ever booked."""
    row = session.execute(holders(person_id)).one_or_none()
    return Holder(*row) if row is not None else None


def holders(person_id: UUID) -> Select[*tuple[Any, ...]]:
    """The account of a person, if there is one."""
    return (
        select(Account.id, Account.person_id, Person.name, Person.trade, Account.balance_cents)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .where(Account.person_id == person_id)
    )


def question(holder: Holder) -> Any:
    """Days with what they brought an account, if they did, and the letter of the payout."""
    brought = and_(
        AccountDay.business_date == BusinessDay.business_date,
        AccountDay.account_id == holder.account_id,
    )
    letter = and_(
        PayoutLetter.business_date == BusinessDay.business_date,
        PayoutLetter.account_id == holder.account_id,
    )
    columns = (BusinessDay.business_date, BusinessDay.state, is_held(), *SUMS)
    more = (AccountDay.entries, AccountDay.first_seq, AccountDay.last_seq)
    return (
        select(*columns, *more, PayoutLetter.state, PayoutLetter.sent_at)
        .select_from(BusinessDay)
        .outerjoin(AccountDay, brought)
        .outerjoin(PayoutLetter, letter)
    )


def read(row: Any) -> StatementDay:
    """A row of `question`."""
    day, state, held, *sums, entries, first, last, letter, sent_at = row
    found = Sums() if entries is None else Sums(*sums)
    seqs = None if entries is None else (first, last)
    return StatementDay(day, state, found, entries or 0, seqs, letter, sent_at, bool(held))


def brought_forward(session: Session, holder: Holder, period: Period) -> int:
    """The balance before a period."""
    return holder.balance_cents - since(session, holder, period.first)


def since(session: Session, holder: Holder, first: date) -> int:
    """What counts in `first` and later."""
    cents = select(total(net_of())).where(
        AccountDay.account_id == holder.account_id, AccountDay.business_date >= first
    )
    return int(session.scalar(cents) or 0)


def sums_between(session: Session, holder: Holder, period: Period) -> Sequence[tuple[date, Sums]]:
    """What each day of a period brought."""
    rows = session.execute(
        select(AccountDay.business_date, *SUMS).where(
            AccountDay.account_id == holder.account_id,
            AccountDay.business_date.between(period.first, period.last),
        )
    )
    return [(day, Sums(*sums)) for day, *sums in rows]
