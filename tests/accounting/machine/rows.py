"""One snapshot of everything the laws look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal_column, select

from ates.accounting.models import (
    Account,
    AccountDay,
    Adjustment,
    Block,
    BusinessDay,
    DayReward,
    DayTotal,
    Entry,
    Head,
    Hold,
    Payout,
    PayoutLetter,
    TaskPrice,
)
from ates.kernel.db import Database
from ates.kernel.tables import consumer, event_log, outbox, parked

ME = "accounting"
HEARD = (
    "tasks.task_created",
    "tasks.task_retitled",
    "tasks.task_assigned",
    "tasks.task_completed",
    "auth.person_registered",
    "auth.person_changed",
)


@dataclass(frozen=True)
class Rows:
    """The tables, each in the order of its keys."""

    entries: Sequence[Any]  # with person_id
    accounts: Sequence[Any]
    days: Sequence[Any]
    totals: Sequence[Any]
    account_days: Sequence[Any]  # with their place in the file, on SQLite
    rewards: Sequence[Any]
    payouts: Sequence[Any]
    letters: Sequence[Any]
    prices: Sequence[Any]
    blocks: Sequence[Any]
    holds: Sequence[Any]
    adjustments: Sequence[Any]
    head: Any
    log: Sequence[Any]
    staged: Sequence[Any]
    parked: Sequence[Any]
    position: int

    @property
    def active_holds(self) -> list[Any]:
        return [row for row in self.holds if row.released_at is None]

    def held(self, day: Any) -> bool:
        """Whether a day must not be paid: it or an earlier one is held, or everything is."""
        return any(
            row.account_id is None and (row.business_date is None or row.business_date <= day)
            for row in self.active_holds
        )

    def waiting(self, instant: Any) -> list[Any]:
        """Facts of before an instant that are on their way: staged or numbered, and not read."""
        unread = [row for row in self.log if row.position > self.position]
        staged = [row for row in self.staged if row.held is None]
        return [
            row for row in (*staged, *unread) if row.type in HEARD and row.occurred_at < instant
        ]


def _table(model: Any, *order: Any) -> Any:
    return select(model.__table__).order_by(*order)


# Worded once: they are asked after every act.
PLACE: Any = literal_column("accounting_account_day.rowid").label("place")
BY_ACCOUNT = (AccountDay.account_id, AccountDay.business_date)
QUESTIONS: dict[str, Any] = {
    "entries": select(Entry.__table__, Account.person_id)
    .join(Account, Account.id == Entry.account_id)
    .order_by(Entry.entry_no),
    "accounts": _table(Account, Account.id),
    "days": _table(BusinessDay, BusinessDay.business_date),
    "totals": _table(DayTotal, DayTotal.business_date, DayTotal.kind),
    "account_days": _table(AccountDay, *BY_ACCOUNT),
    "rewards": _table(DayReward, DayReward.completed_on, DayReward.reward_cents),
    "payouts": _table(Payout, Payout.business_date, Payout.account_id),
    "letters": _table(PayoutLetter, PayoutLetter.business_date, PayoutLetter.account_id),
    "prices": _table(TaskPrice, TaskPrice.task_id),
    "blocks": _table(Block, Block.block_no),
    "holds": _table(Hold, Hold.id),
    "adjustments": _table(Adjustment, Adjustment.id),
    "head": select(Head.__table__),
    "log": select(event_log).order_by(event_log.c.position),
    "staged": select(outbox).order_by(outbox.c.seq),
    "parked": select(parked).where(parked.c.consumer == ME).order_by(parked.c.position),
    "position": select(consumer.c.position).where(consumer.c.name == ME),
}
PLACES = select(AccountDay.__table__, PLACE).order_by(*BY_ACCOUNT)


def read(database: Database) -> Rows:
    """Everything, in one snapshot."""
    with database.reading() as session:
        connection = session.connection()
        found: dict[str, Any] = {
            name: connection.execute(question).all() for name, question in QUESTIONS.items()
        }
        if database.is_sqlite:
            found["account_days"] = connection.execute(PLACES).all()
    return Rows(**found | {"head": found["head"][0], "position": found["position"][0].position})
