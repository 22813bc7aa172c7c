"""What a batch must know before it is posted: each question asked once for all its facts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Text, TextClause, text
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Card, TaskPrice
from ates.accounting.posting.facts import Fact, Key, refuse_other
from ates.accounting.pricing import Price
from ates.contracts import accounting as contract
from ates.kernel import db, many
from ates.kernel.types import BigInt, Id, UTCDateTime

# A join, not `(…) IN (VALUES …)`: SQLite scans the whole index for that, ten times slower at a
# million entries; CROSS JOIN keeps its planner from turning the loops around.
SQLITE_KEYS = """
SELECT e.kind, e.source_id, e.source_no, e.entry_no, e.occurred_at, e.amount_cents, a.person_id
FROM json_each(:keys) k
CROSS JOIN accounting_entry e ON e.kind = json_extract(k.value, '$[0]')
    AND e.source_id = json_extract(k.value, '$[1]') AND e.source_no = json_extract(k.value, '$[2]')
CROSS JOIN accounting_account a ON a.id = e.account_id
"""
POSTGRESQL_KEYS = """
SELECT e.kind, e.source_id, e.source_no, e.entry_no, e.occurred_at, e.amount_cents, a.person_id
FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS uuid[]), CAST(:numbers AS bigint[]))
    AS k (kind, source_id, source_no)
JOIN accounting_entry e ON e.kind = k.kind
    AND e.source_id = k.source_id AND e.source_no = k.source_no
JOIN accounting_account a ON a.id = e.account_id
"""


def _typed(question: str) -> Any:
    clause: TextClause = text(question)
    return clause.columns(
        source_id=Id(), source_no=BigInt, entry_no=BigInt, occurred_at=UTCDateTime(), person_id=Id()
    )


ON_SQLITE, ON_POSTGRESQL = _typed(SQLITE_KEYS), _typed(POSTGRESQL_KEYS)
_texts, _ids, _numbers = (many.array_of(kind) for kind in (Text(), Id(), BigInt))
ACCOUNTS, PRICES, CARDS = (model.__table__.c for model in (Account, TaskPrice, Card))
ACCOUNT = ("id", "person_id", "balance_cents", "last_seq", "opened_at")
CARD = ("task_id", "number", "title", "jira_id")


class AccountState(msgspec.Struct, gc=False):
    """An account while a batch is posted."""

    id: int
    person_id: UUID
    balance_cents: int
    last_seq: int
    opened_at: datetime


def unposted(session: Session, facts: Sequence[Fact]) -> list[Fact]:
    """The facts that are not in the books yet, in their order.

    Raises Hopeless if an entry has the key of a fact but another person, moment or amount.
    """
    there = _entries(session, [fact.key for fact in facts])
    if not there:
        return list(facts)
    fresh = []
    for fact in facts:
        entry = there.get(fact.key)
        if entry is None:
            fresh.append(fact)
            continue
        other = entry.occurred_at if fact.amount_cents is None else entry.amount_cents
        refuse_other(
            fact.key,
            (entry.person_id, other),
            fact.content,
            f"is booked as entry {entry.entry_no}",
        )
    return fresh


def accounts(session: Session, people: Collection[UUID]) -> dict[int, AccountState]:
    """The accounts of these people, as far as they have one; by the number of the person's id."""
    rows = many.find(session, ACCOUNTS.person_id, people, *ACCOUNT)
    return {row[1].int: AccountState(*row) for row in rows}


def prices(session: Session, tasks: Collection[UUID]) -> dict[int, Price]:
    """The prices of these tasks, as far as they are drawn; by the number of the task's id."""
    rows = many.find(session, PRICES.task_id, tasks, "task_id", "fee_cents", "reward_cents")
    return {task_id.int: Price(fee, reward) for task_id, fee, reward in rows}


def cards(session: Session, tasks: Collection[UUID]) -> dict[int, contract.Card]:
    """The cards of these tasks, as others hear of them, as far as they came; by the number of the
    task's id."""
    rows = many.find(session, CARDS.task_id, tasks, *CARD)
    return {
        task_id.int: contract.Card(task_id=task_id, number=number, title=title, jira_id=jira_id)
        for task_id, number, title, jira_id in rows
    }


def _entries(session: Session, keys: Sequence[Key]) -> dict[Key, Row[Any]]:
    if not keys:
        return {}
    if db.is_sqlite(session):
        values: dict[str, Any] = {"keys": msgspec.json.encode(keys).decode()}
        question = ON_SQLITE
    else:
        kinds, sources, numbers = (list(column) for column in zip(*keys, strict=True))
        values = {"kinds": _texts(kinds), "ids": _ids(sources), "numbers": _numbers(numbers)}
        question = ON_POSTGRESQL
    rows = session.connection().execute(question, values)
    return {(row.kind, row.source_id, row.source_no): row for row in rows}
