"""The price of a task, drawn when its first event is heard, and how many tasks have each (R13)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.keyring import Keyring
from ates.accounting.ledger import Ledger
from ates.accounting.models import PricedKind, PriceTotal, TaskPrice
from ates.accounting.pricing import Price, price_of
from ates.accounting.writing import Row, add, bulk
from ates.contracts.accounting import TasksPriced

KINDS: Sequence[PricedKind] = ("fee", "reward")
TOTAL = add("tasks")


def draw(
    ledger: Ledger, tasks: Sequence[UUID], keyring: Keyring, now: datetime
) -> dict[int, Price]:
    """Draw the prices of tasks that are heard of for the first time; they are counted and said."""
    key = keyring.sub_key(keyring.current, "price")
    drawn = {task.int: price_of(task, key) for task in tasks}
    key_id = keyring.current
    rows = [
        {
            "task_id": task,
            "fee_cents": price.fee_cents,
            "reward_cents": price.reward_cents,
            "key_id": key_id,
            "priced_at": now,
        }
        for task, price in zip(tasks, drawn.values(), strict=True)
    ]
    if rows:
        bulk(ledger.session, TaskPrice, rows)
        _count(ledger.session, rows)
        ledger.say(TasksPriced, prices=rows)  # as far as others hear of them
    return drawn


def _count(session: Session, rows: Sequence[Row]) -> None:
    totals = [
        {"kind": kind, "cents": cents, "tasks": tasks}
        for kind in KINDS
        for cents, tasks in Counter([row[f"{kind}_cents"] for row in rows]).items()
    ]
    bulk(session, PriceTotal, totals, TOTAL)
