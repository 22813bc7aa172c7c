"""Entries as the database keeps them, a column at a time, and the bytes the chain hashes of them.

A proof reads every entry there is: what makes objects of each value of each row costs more than all
that is checked. So the values come as the driver has them, ids and days as text, moments as whole
microseconds, and a column is turned at once.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ates.accounting.chain import EPOCH, MICROSECOND, SIZES, canon
from ates.kernel import db

MOST = 200_000  # remembered pieces
ID = SIZES[16]
NONE = b"\x02"
ENTRIES = (
    "entry_no, account_id, account_seq, kind, {source_id}, source_no, amount_cents, balance_cents,"
    " {business_date}, {occurred_on}, {occurred_at}, {posted_at}, {event_id}"
)
SQLITE_COLUMNS = {
    name: name
    for name in (
        "source_id", "business_date", "occurred_on", "occurred_at", "posted_at", "event_id"
    )
}  # fmt: skip
POSTGRESQL_COLUMNS = {
    "source_id": "source_id::text",
    "business_date": "business_date::text",
    "occurred_on": "occurred_on::text",
    "occurred_at": "(extract(epoch FROM occurred_at) * 1000000)::bigint",
    "posted_at": "(extract(epoch FROM posted_at) * 1000000)::bigint",
    "event_id": "event_id::text",
}
FROM = " FROM accounting_entry WHERE entry_no BETWEEN {0} AND {0} ORDER BY entry_no LIMIT {0}"
ON_SQLITE = "SELECT " + ENTRIES.format(**SQLITE_COLUMNS) + FROM.format("?")
ON_POSTGRESQL = "SELECT " + ENTRIES.format(**POSTGRESQL_COLUMNS) + FROM.format("%s")
PEOPLE = (
    "SELECT id, person_id FROM accounting_account WHERE id IN (SELECT value FROM json_each(?))",
    "SELECT id, person_id::text FROM accounting_account WHERE id = ANY(%s::bigint[])",
)
PRICES = (
    "SELECT task_id, fee_cents, reward_cents, key_id FROM accounting_price"
    " WHERE task_id IN (SELECT value FROM json_each(?))",
    "SELECT task_id::text, fee_cents, reward_cents, key_id FROM accounting_price"
    " WHERE task_id = ANY(%s::uuid[])",
)
# The entry before each of these in its own account; the index ends each look-up at once.
BEFORE = (
    "SELECT json_extract(k.value, '$[0]'), e.account_seq, e.balance_cents FROM json_each(?) k"
    " CROSS JOIN accounting_entry e ON e.entry_no = (SELECT entry_no FROM accounting_entry"
    " WHERE account_id = json_extract(k.value, '$[0]')"
    " AND account_seq < json_extract(k.value, '$[1]')"
    " AND entry_no < json_extract(k.value, '$[2]') ORDER BY account_seq DESC LIMIT 1)",
    "SELECT k.account, e.account_seq, e.balance_cents"
    " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS k (account, seq, number)"
    " CROSS JOIN LATERAL (SELECT account_seq, balance_cents FROM accounting_entry"
    " WHERE account_id = k.account AND account_seq < k.seq AND entry_no < k.number"
    " ORDER BY account_seq DESC LIMIT 1) e",
)


class Pieces(dict[Any, bytes]):
    """The canonical bytes of values that come again and again, made once."""

    def __missing__(self, value: Any) -> bytes:
        if len(self) > MOST:
            self.clear()
        made = self[value] = canon(value)
        return made


@dataclass(frozen=True)
class Page:
    """A stretch of the ledger. Rows stand in the order of their numbers; some may be missing."""

    entry_no: Sequence[int] = ()
    account_id: Sequence[int] = ()
    account_seq: Sequence[int] = ()
    kind: Sequence[str] = ()
    source_id: Sequence[str] = ()
    source_no: Sequence[int] = ()
    amount_cents: Sequence[int] = ()
    balance_cents: Sequence[int] = ()
    business_date: Sequence[str] = ()
    occurred_on: Sequence[str] = ()
    occurred_at: Sequence[int] = ()  # microseconds since 1970
    posted_at: Sequence[int] = ()  # likewise
    event_id: Sequence[str | None] = ()

    def __len__(self) -> int:
        return len(self.entry_no)

    def told(self, people: dict[int, str], pieces: Pieces) -> list[bytes]:
        """The bytes of each entry, the same as `chain.told`."""
        owners = {account: identity(people.get(account, "")) for account in set(self.account_id)}
        columns = (
            [_number(value) for value in self.entry_no],
            [owners[value] for value in self.account_id],
            [pieces[value] for value in self.account_seq],
            [pieces[value] for value in self.kind],
            [identity(value) for value in self.source_id],
            [pieces[value] for value in self.source_no],
            [pieces[value] for value in self.amount_cents],
            [pieces[value] for value in self.balance_cents],
            [pieces[value] for value in self.business_date],
            [pieces[value] for value in self.occurred_on],
            [_number(value) for value in self.occurred_at],
            [pieces[value] for value in self.posted_at],
            [b"\x00" if value is None else identity(value) for value in self.event_id],
        )
        return [b"".join(each) for each in zip(*columns, strict=True)]


def entries(session: Session, first: int, last: int, most: int) -> Page:
    """The entries with these numbers, at most so many."""
    on_sqlite = db.is_sqlite(session)
    question = ON_SQLITE if on_sqlite else ON_POSTGRESQL
    rows = session.connection().exec_driver_sql(question, (first, last, most)).all()
    if not rows:
        return Page()
    columns: list[Any] = list(zip(*rows, strict=True))
    if on_sqlite:
        columns[10] = [micros(text) for text in columns[10]]
        known = {text: micros(text) for text in set(columns[11])}
        columns[11] = [known[text] for text in columns[11]]
    return Page(*columns)


def people(session: Session, accounts: Collection[int]) -> dict[int, str]:
    """Whose accounts these are."""
    return {row[0]: row[1] for row in _among(session, PEOPLE, accounts)}


def prices(session: Session, tasks: Collection[str]) -> dict[str, tuple[int, int, int]]:
    """Fee, reward and key of these tasks."""
    return {row[0]: (row[1], row[2], row[3]) for row in _among(session, PRICES, tasks)}


def before(
    session: Session, firsts: Collection[tuple[int, int, int]]
) -> dict[int, tuple[int, int]]:
    """By account, number and balance of the entry before this one: (account, its seq, entry)."""
    if not firsts:
        return {}
    if db.is_sqlite(session):
        rows = session.connection().exec_driver_sql(BEFORE[0], (_json(firsts),))
    else:
        rows = session.connection().exec_driver_sql(
            BEFORE[1], tuple(list(column) for column in zip(*firsts, strict=True))
        )
    return {row[0]: (row[1], row[2]) for row in rows}


def identity(text: str) -> bytes:
    """The canonical bytes of a UUID; what is none has bytes that nothing else has."""
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return NONE
    return ID + raw if len(raw) == 16 else NONE


def micros(moment: str) -> int:
    """Microseconds since 1970, as a moment is hashed; what is no moment is before all of them."""
    try:
        return (datetime.fromisoformat(moment) - EPOCH) // MICROSECOND
    except (ValueError, TypeError):  # no date, no zone
        return -1


def _among(session: Session, questions: tuple[str, str], values: Collection[Any]) -> Sequence[Any]:
    if not values:
        return []
    if db.is_sqlite(session):
        return session.connection().exec_driver_sql(questions[0], (_json(values),)).all()
    return session.connection().exec_driver_sql(questions[1], (list(values),)).all()


def _json(values: Collection[Any]) -> str:
    return json.dumps(list(values))


def _number(value: int) -> bytes:
    text = b"%d" % value
    return SIZES[len(text)] + text
