"""Accounts of people: one standing, a list, and the balance in the frame of every page."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.holds import ACTIVE, OF_ALL
from ates.accounting.models import Account, AccountDay, Hold, Person
from ates.accounting.statements import Period, Sums
from ates.kernel.asking import columns

PAGE = 50
NAME = func.coalesce(Person.name, "")  # of people whom auth has not told of yet
_BALANCE = select(Account.balance_cents).where(Account.person_id == bindparam("person"))


class Order(StrEnum):
    """How a list of accounts is sorted: most owed, deepest in debt, or by name."""

    OWED = "owed"
    BELOW = "below"
    NAME = "name"


@dataclass(frozen=True)
class Brought:
    """What a day brought one person."""

    person_id: UUID
    name: str | None
    cents: int


@dataclass(frozen=True)
class Standing:
    """One account now: its balance, and what today brought by rewards, fees and corrections."""

    person_id: UUID
    name: str | None
    trade: str | None
    active: bool
    account_id: int | None  # None: nothing was ever booked
    balance_cents: int
    today: date | None
    fee_cents: int
    reward_cents: int
    adjustment_cents: int
    month: Sums  # what the month of today has brought so far
    held: bool = False  # every payout skips it
    stopped: bool = False  # all payouts are held

    @property
    def known(self) -> bool:
        """Whether accounting has heard of this person at all."""
        return self.name is not None or self.account_id is not None

    @property
    def today_cents(self) -> int:
        """Rewards and fees of today; corrections stand apart."""
        return self.fee_cents + self.reward_cents

    @property
    def payable_cents(self) -> int:
        """What the payout would be if the day ended now."""
        return max(0, self.balance_cents)


@dataclass(frozen=True)
class AccountRow:
    """One line of the list of accounts."""

    account_id: int
    person_id: UUID
    name: str | None
    trade: str | None
    active: bool
    balance_cents: int
    today_cents: int


@dataclass(frozen=True)
class AccountPage:
    """A page of accounts and where the next one begins."""

    rows: tuple[AccountRow, ...]
    older: str | None


def balance_of(session: Session, person_id: UUID) -> int | None:
    """The booked balance in cents; None for somebody without an account."""
    found: int | None = columns(session, _BALANCE, person=person_id).scalar()
    return found


def person_of(session: Session, account_id: int) -> UUID:
    """Whose account it is."""
    return session.execute(select(Account.person_id).where(Account.id == account_id)).scalar_one()


def standing(session: Session, person_id: UUID, today: date | None) -> Standing:
    """The account of a person; `known` is False if accounting has never heard of them."""
    month = _month(person_id, today)
    row: Any = session.execute(
        select(
            Person.name,
            Person.trade,
            Person.active,
            Account.id,
            Account.balance_cents,
            AccountDay.fee_cents,
            AccountDay.reward_cents,
            AccountDay.adjustment_cents,
            exists().where(ACTIVE, Hold.account_id == Account.id),
            exists().where(ACTIVE, OF_ALL),
            *month.c,
        )
        .select_from(select(literal(1).label("one")).subquery())
        .outerjoin(Person, Person.person_id == person_id)
        .outerjoin(Account, Account.person_id == person_id)
        .outerjoin(AccountDay, _on(today))
        .join(month, literal(True))
    ).one()
    name, trade, active, account_id, balance, fee, reward, adjustment, *more = row
    held, stopped, *sums = more
    return Standing(
        person_id=person_id,
        name=name,
        trade=trade,
        active=active is not False,
        account_id=account_id,
        balance_cents=balance or 0,
        today=today,
        fee_cents=fee or 0,
        reward_cents=reward or 0,
        adjustment_cents=adjustment or 0,
        held=held,
        stopped=stopped,
        month=Sums(*map(int, sums)),
    )


def accounts(
    session: Session,
    *,
    today: date | None,
    search: str = "",
    below: bool = False,
    order: Order = Order.OWED,
    after: str = "",
) -> AccountPage:
    """Accounts by what is owed, by debt or by name, beginning after the cursor `after`."""
    query = everybody(today=today, search=search, below=below, order=order)
    place = _place(after, order)
    if place is not None:
        query = query.where(_beyond(order, *place))
    rows = session.execute(query.limit(PAGE + 1)).all()
    shown = tuple(AccountRow(*row) for row in rows[:PAGE])
    older = _cursor(shown[-1], order) if len(rows) > PAGE else None
    return AccountPage(shown, older)


def everybody(
    *, today: date | None, search: str = "", below: bool = False, order: Order = Order.OWED
) -> Select[*tuple[Any, ...]]:
    """All accounts that match, in order: what pages and files are cut from."""
    earned = AccountDay.fee_cents + AccountDay.reward_cents
    query = (
        select(
            Account.id,
            Account.person_id,
            Person.name,
            Person.trade,
            func.coalesce(Person.active, True),
            Account.balance_cents,
            func.coalesce(earned, 0),
        )
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(AccountDay, _on(today))
    )
    if below:
        query = query.where(Account.balance_cents < 0)
    if search:
        query = query.where(func.lower(NAME).contains(search.lower(), autoescape=True))
    sort: dict[Order, tuple[Any, ...]] = {
        Order.OWED: (Account.balance_cents.desc(), Account.id),
        Order.BELOW: (Account.balance_cents.asc(), Account.id),
        Order.NAME: (NAME.asc(), Account.id),
    }
    return query.order_by(*sort[order])


def _month(person_id: UUID, today: date | None) -> Subquery:
    """One row: the sums of the month that contains today."""
    account = select(Account.id).where(Account.person_id == person_id).scalar_subquery()
    sums = (
        AccountDay.fee_cents,
        AccountDay.reward_cents,
        AccountDay.adjustment_cents,
        AccountDay.payout_cents,
    )
    month = Period.month_of(today) if today is not None else None
    return (
        select(*(total(column).label(column.key) for column in sums))
        .where(
            AccountDay.account_id == account,
            AccountDay.business_date.between(month.first, month.last) if month else false(),
        )
        .subquery()
    )


def _on(today: date | None) -> ColumnElement[bool]:
    return and_(AccountDay.account_id == Account.id, AccountDay.business_date == today)


def _beyond(order: Order, value: int | str, account_id: int) -> ColumnElement[bool]:
    column: ColumnElement[Any] = NAME if order is Order.NAME else Account.balance_cents.expression
    further = column < value if order is Order.OWED else column > value
    return or_(further, and_(column == value, Account.id > account_id))


def _cursor(row: AccountRow, order: Order) -> str:
    """`<account>.<value>`: where the next page begins."""
    value = (row.name or "") if order is Order.NAME else row.balance_cents
    return f"{row.account_id}.{value}"


def _place(cursor: str, order: Order) -> tuple[int | str, int] | None:
    """The value and account of a cursor; None for one that cannot be read: the first page."""
    account_id, _, value = cursor.partition(".")
    try:
        return (value if order is Order.NAME else int(value)), int(account_id)
    except ValueError:
        return None
