"""The price of a task, drawn when its first event is heard, and how many tasks have each (R13)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.keyring import Keyring
from ates.accounting.ledger import Ledger
from ates.accounting.models import PriceTotal, TaskPrice
from ates.accounting.pricing import Price, price_of
from ates.accounting.writing import add, lay
from ates.contracts.accounting import Price as Said
from ates.contracts.accounting import TasksPriced

PRICE = ("task_id", "fee_cents", "reward_cents", "key_id", "priced_at")
PRICE_TOTAL = ("kind", "cents", "tasks")
TOTAL = add("tasks")


def draw(
    ledger: Ledger, tasks: Sequence[UUID], keyring: Keyring, now: datetime
) -> dict[int, Price]:
    """Draw the prices of tasks that are heard of for the first time; they are counted and said."""
    if not tasks:
        return {}
    key_id = keyring.current
    key = keyring.sub_key(key_id, "price")
    drawn = [price_of(task, key) for task in tasks]
    rows = [
        (task, price.fee_cents, price.reward_cents, key_id, now)
        for task, price in zip(tasks, drawn, strict=True)
    ]
    lay(ledger.session, TaskPrice, PRICE, rows)
    _count(ledger.session, drawn)
    said = [
        Said(task_id=task, fee_cents=fee, reward_cents=reward) for task, fee, reward, *_ in rows
    ]
    ledger.say(TasksPriced, prices=said)
    return {task.int: price for task, price in zip(tasks, drawn, strict=True)}


def _count(session: Session, prices: Sequence[Price]) -> None:
    fees = Counter([price.fee_cents for price in prices])
    rewards = Counter([price.reward_cents for price in prices])
    totals = [("fee", *each) for each in fees.items()]
    totals += [("reward", *each) for each in rewards.items()]
    lay(session, PriceTotal, PRICE_TOTAL, totals, TOTAL)
