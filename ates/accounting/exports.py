"""What the files of accounting hold: columns, and rows with the filters of the screen.

A paid day is exported byte for byte the same for ever, names aside: rows come in the order of
booking and say nothing that moves later, such as the state of a letter.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ates.accounting import holds
from ates.accounting.models import (
    Account,
    Adjustment,
    BusinessDay,
    Card,
    DayTotal,
    Entry,
    Payout,
    Person,
)
from ates.accounting.queries import ledger, statement_days
from ates.accounting.queries.accounts import Order, everybody
from ates.accounting.queries.rows import Scope
from ates.accounting.queries.statement_days import Holder
from ates.accounting.statements import Period
from ates.contracts.accounting import Kind
from ates.kernel.errors import N_
from ates.web.formats import LOOKS
from ates.web.sheet import Column, Row, streamed

WHAT = {
    "fee": N_("Fee"),
    "reward": N_("Reward"),
    "adjustment": N_("Correction"),
    "payout": N_("Payout"),
    "brought_forward": N_("Brought forward"),
    "carried_forward": N_("Carried forward"),
}
STATES = {state: LOOKS[f"day_{state}"][2] for state in ("open", "closed", "paid")}
STAY = {state: LOOKS[state][2] for state in ("active", "left")}

NUMBER = Column("entry_no", N_("Entry"), "number")
KIND = Column("kind", N_("Kind"), "word", words=WHAT)
AMOUNT = Column("amount", N_("Amount"), "money", summed=True)
BUSINESS_DATE = Column("business_date", N_("Counts in"), "day")
OCCURRED_ON = Column("occurred_on", N_("Day it happened"), "day")
PERSON = (Column("person_id", N_("Person id")), Column("person", N_("Person")))
TASK = (
    Column("task_no", N_("Task No"), "number"),
    Column("jira_id", N_("Jira id")),
    Column("task", N_("Task")),
)
REASON = Column("reason", N_("Reason"))

ENTRIES = (
    NUMBER,
    Column("account_seq", N_("Number in the account"), "number"),
    *PERSON,
    KIND,
    *TASK,
    REASON,
    AMOUNT,
    Column("balance_after", N_("Balance after"), "money"),
    BUSINESS_DATE,
    OCCURRED_ON,
    Column("occurred_at", N_("Happened"), "moment"),
    Column("posted_at", N_("Booked"), "moment"),
    Column("source_id", N_("Source")),
    Column("source_no", N_("Number of the source"), "number"),
    Column("event_id", N_("Event")),
)
ACCOUNTS = (
    *PERSON,
    Column("trade", N_("Trade")),
    Column("state", N_("State"), "word", words=STAY),
    Column("balance", N_("Balance"), "money", summed=True),
    Column("today", N_("Today"), "money", summed=True),
)
DAYS = (
    Column("business_date", N_("Business day"), "day"),
    Column("state", N_("State"), "word", words=STATES),
    Column("fees", N_("Assignments"), "number"),
    Column("fee_amount", N_("Fees"), "money", summed=True),
    Column("rewards", N_("Completed"), "number"),
    Column("reward_amount", N_("Rewards"), "money", summed=True),
    Column("income", N_("Management income"), "money", summed=True),
    Column("adjustments", N_("Number of corrections"), "number"),
    Column("adjustment_amount", N_("Corrections"), "money", summed=True),
    Column("payouts", N_("People paid"), "number"),
    Column("payout_amount", N_("Paid out"), "money", summed=True),
    Column("starts_at", N_("Begins"), "moment"),
    Column("ends_at", N_("Ends"), "moment"),
    Column("closed_at", N_("Closed at"), "moment"),
    Column("paid_at", N_("Paid at"), "moment"),
    Column("close_entry_no", N_("Last entry by the close"), "number"),
    Column("set_aside", N_("Events set aside"), "number"),
    Column("seal", N_("Seal")),
)
PAYOUTS = (
    Column("business_date", N_("Business day"), "day"),
    *PERSON,
    AMOUNT,
    NUMBER,
    Column("paid_at", N_("Paid at"), "moment"),
)
STATEMENT = (
    BUSINESS_DATE,
    KIND,
    NUMBER,
    *TASK,
    REASON,
    OCCURRED_ON,
    Column("occurred_at", N_("Happened"), "moment"),
    AMOUNT,
    Column("balance", N_("Balance"), "money"),
)


def entries(session: Session, scope: Scope | None) -> Iterator[Row]:
    """Entries of a scope in the order of booking; none of None."""
    conditions = ledger.matching(session, scope) if scope is not None else None
    if scope is None or conditions is None:
        return iter(())
    columns = (
        Entry.entry_no,
        Entry.account_seq,
        Account.person_id,
        Person.name,
        Entry.kind,
        Card.number,
        Card.jira_id,
        Card.title,
        Adjustment.reason,
        Entry.amount_cents,
        Entry.balance_cents,
        Entry.business_date,
        Entry.occurred_on,
        Entry.occurred_at,
        Entry.posted_at,
        Entry.source_id,
        Entry.source_no,
        Entry.event_id,
    )
    question = _with_tasks(select(*columns)).where(*conditions).order_by(ledger.key_of(scope))
    return streamed(session, question)


def accounts(
    session: Session, *, today: date | None, search: str, below: bool, order: Order
) -> Iterator[Row]:
    """Accounts as the list shows them, in its order."""
    found = everybody(today=today, search=search, below=below, order=order)
    for _, person_id, name, trade, active, balance, brought in streamed(session, found):
        yield person_id, name, trade, "active" if active else "left", balance, brought


def days(session: Session, *, first: date | None, last: date | None, at: datetime) -> Iterator[Row]:
    """Begun days with their sums, oldest first, in the eyes of the management as on the screen."""
    fee, reward, payout = -_cents("fee"), _cents("reward"), -_cents("payout")
    sums = (
        *(_count("fee"), fee, _count("reward"), reward, fee - reward),
        *(_count("adjustment"), _cents("adjustment"), _count("payout"), payout),
    )
    question = (
        select(
            BusinessDay.business_date,
            case((holds.is_held(), "held"), else_=BusinessDay.state),
            *sums,
            BusinessDay.starts_at,
            BusinessDay.ends_at,
            BusinessDay.closed_at,
            BusinessDay.paid_at,
            BusinessDay.close_entry_no,
            BusinessDay.parked,
            BusinessDay.seal,
        )
        .outerjoin(DayTotal, DayTotal.business_date == BusinessDay.business_date)
        .where(BusinessDay.starts_at <= at, *_within(BusinessDay.business_date, first, last))
        .group_by(BusinessDay.business_date)
        .order_by(BusinessDay.business_date)
    )
    for *row, seal in streamed(session, question):
        yield [*row, None if seal is None else seal.hex()]


def payouts(session: Session, *, first: date | None, last: date | None) -> Iterator[Row]:
    """Payouts in the order of days and accounts."""
    question = (
        select(
            Payout.business_date,
            Account.person_id,
            Person.name,
            Payout.amount_cents,
            Payout.entry_no,
            Entry.posted_at,
        )
        .join(Account, Account.id == Payout.account_id)
        .join(Entry, Entry.entry_no == Payout.entry_no)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .where(*_within(Payout.business_date, first, last))
        .order_by(Payout.business_date, Payout.account_id)
    )
    return streamed(session, question)


def statement(session: Session, holder: Holder, period: Period) -> Iterator[Row]:
    """Lines by business date between what was brought and what is carried forward."""
    balance = statement_days.brought_forward(session, holder, period)
    yield _border(period.first, "brought_forward", balance)
    columns = (
        Entry.business_date,
        Entry.kind,
        Entry.entry_no,
        Card.number,
        Card.jira_id,
        Card.title,
        Adjustment.reason,
        Entry.occurred_on,
        Entry.occurred_at,
        Entry.amount_cents,
    )
    scope = Scope(first=period.first, last=period.last, account_id=holder.account_id)
    conditions = ledger.matching(session, scope)
    if conditions is not None:
        question = _with_tasks(select(*columns)).where(*conditions)
        order = (Entry.business_date, Entry.account_seq)
        for row in streamed(session, question.order_by(*order)):
            balance += row[-1]
            yield *row, balance
    yield _border(period.last, "carried_forward", balance)


# --- how -----------------------------------------------------------------------------------------


def _with_tasks(question: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Entries with their person, the name of their task, and the reason of a correction."""
    reason = and_(Entry.kind == "adjustment", Adjustment.id == Entry.source_id)
    return (
        question.select_from(Entry)
        .join(Account, Account.id == Entry.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(Card, Card.task_id == Entry.source_id)
        .outerjoin(Adjustment, reason)
    )


def _border(day: date, what: str, cents: int) -> Sequence[Any]:
    """A line that is no entry: it has a balance and no amount."""
    return day, what, *(None,) * (len(STATEMENT) - 3), cents


def _within(
    column: InstrumentedAttribute[date], first: date | None, last: date | None
) -> list[Any]:
    lowest = [] if first is None else [column >= first]
    return lowest if last is None else [*lowest, column <= last]


def _of(kind: Kind, column: InstrumentedAttribute[int]) -> Any:
    """A day has one row of each kind, so the largest is the one."""
    return func.coalesce(func.max(case((DayTotal.kind == kind, column))), 0)


def _cents(kind: Kind) -> Any:
    return _of(kind, DayTotal.amount_cents)


def _count(kind: Kind) -> Any:
    return _of(kind, DayTotal.entries)
