"""What a batch must know before it is posted: each question asked once for all its facts."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, select, text
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Card, TaskPrice
from ates.accounting.posting.facts import Fact, Key, refuse_other
from ates.accounting.pricing import Price
from ates.kernel import db
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


@dataclass
class AccountState:
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


def accounts(session: Session, people: Collection[UUID]) -> dict[UUID, AccountState]:
    """The accounts of these people, as far as they have one."""
    if not people:
        return {}
    rows = session.execute(
        select(
            Account.id,
            Account.person_id,
            Account.balance_cents,
            Account.last_seq,
            Account.opened_at,
        ).where(Account.person_id.in_(people))
    )
    return {row.person_id: AccountState(*row) for row in rows}


def prices(session: Session, tasks: Collection[UUID]) -> dict[UUID, Price]:
    """The prices of these tasks, as far as they are drawn."""
    if not tasks:
        return {}
    rows = session.execute(
        select(TaskPrice.task_id, TaskPrice.fee_cents, TaskPrice.reward_cents).where(
            TaskPrice.task_id.in_(tasks)
        )
    )
    return {row.task_id: Price(row.fee_cents, row.reward_cents) for row in rows}


def cards(session: Session, tasks: Collection[UUID]) -> dict[UUID, Any]:
    """The cards of these tasks, as far as they came."""
    if not tasks:
        return {}
    rows = session.execute(
        select(Card.task_id, Card.number, Card.title, Card.jira_id).where(Card.task_id.in_(tasks))
    )
    return {row.task_id: row for row in rows}


def _entries(session: Session, keys: Sequence[Key]) -> dict[Key, Row[Any]]:
    if not keys:
        return {}
    if db.is_sqlite(session):
        lines = [(kind, str(source), number) for kind, source, number in keys]
        values: dict[str, Any] = {"keys": json.dumps(lines)}
        question = SQLITE_KEYS
    else:
        kinds, sources, numbers = (list(column) for column in zip(*keys, strict=True))
        values = {"kinds": kinds, "ids": sources, "numbers": numbers}
        question = POSTGRESQL_KEYS
    rows = session.execute(_typed(question), values)
    return {(row.kind, row.source_id, row.source_no): row for row in rows}


def _typed(question: str) -> Any:
    clause: TextClause = text(question)
    return clause.columns(
        source_id=Id(), source_no=BigInt, entry_no=BigInt, occurred_at=UTCDateTime(), person_id=Id()
    )
