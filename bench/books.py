"""What accounting wrote, batch by batch, as plain driver values: what the bare driver repeats."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from ates.kernel.db import Database
from ates.kernel.delivery import Drain

Row = dict[str, Any]
Write = tuple[str, list[Row]]  # a table, and rows with the same columns

SUMS = ("fee", "reward", "adjustment", "payout")


@dataclass
class Recording(Drain):
    """A drain that notes where each of its transactions ended."""

    ends: list[Row] = field(default_factory=list)

    def move(self, session: Session, last: Any) -> None:
        super().move(session, last)
        found = session.connection().exec_driver_sql("SELECT * FROM accounting_head").mappings()
        self.ends.append({"position": last.position, **found.one()})


@dataclass
class Bundle:
    """All that one transaction wrote: bulk writes, then the new state of head and consumer."""

    writes: list[Write]
    head: Row
    position: int
    events: int


def bundles(database: Database, ends: Sequence[Row]) -> list[Bundle]:
    """The transactions of a recorded drain."""
    books = _Books(database)
    made, before = [], {"position": 0, "last_entry_no": 0, "said": 0}
    for end in ends:
        made.append(books.bundle(before, end))
        before = end
    return made


class _Books:
    """Everything in memory, cut by the transactions that wrote it."""

    def __init__(self, database: Database) -> None:
        with database.reading() as session:
            connection = session.connection()

            def table(query: str) -> list[Row]:
                return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

            self.entries = table("SELECT * FROM accounting_entry ORDER BY entry_no")
            self.accounts = _by("id", table("SELECT * FROM accounting_account"))
            self.days = table("SELECT * FROM accounting_day ORDER BY business_date")
            self.blocks = table("SELECT * FROM accounting_block ORDER BY block_no")
            self.prices = table("SELECT * FROM accounting_price")
            self.cards = _by("task_id", table("SELECT * FROM accounting_card"))
            self.people = _by("person_id", table("SELECT * FROM accounting_person"))
            log = table("SELECT * FROM event_log ORDER BY position")
            staged = table("SELECT * FROM outbox ORDER BY seq")
        self.log = [row for row in log if row["source"] != "accounting"]
        self.said = [row for row in log if row["source"] == "accounting"] + staged
        self.said.sort(key=lambda row: row["key_version"])

    def bundle(self, before: Row, end: Row) -> Bundle:
        """What was written between two ends."""
        heard = self.log[before["position"] : end["position"]]
        entries = self.entries[before["last_entry_no"] : end["last_entry_no"]]
        moment = entries[0]["posted_at"] if entries else None
        prices = [row for row in self.prices if row["priced_at"] == moment]
        writes = [
            *self._names(heard),
            ("accounting_day", self.days if before["last_entry_no"] == 0 and entries else []),
            ("accounting_price", prices),
            ("accounting_price_total", _priced(prices)),
            ("accounting_account", self._accounts(entries)),
            ("accounting_entry", entries),
            *_sums(entries),
            ("accounting_block", [row for row in self.blocks if row["posted_at"] == moment]),
            ("outbox", [_staged(row) for row in self.said[before["said"] : end["said"]]]),
        ]
        return Bundle([each for each in writes if each[1]], end, end["position"], len(heard))

    def _names(self, heard: Iterable[Row]) -> Iterable[Write]:
        tasks: dict[Any, Row] = {}
        people: dict[Any, Row] = {}
        for row in heard:
            named = json.loads(row["data"])
            if row["type"] == "tasks.task_created":
                tasks[row["key"]] = _of(self.cards, named["task_id"])
            elif row["source"] == "auth":
                people[row["key"]] = _of(self.people, named["person_id"])
        return ("accounting_person", list(people.values())), (
            "accounting_card",
            list(tasks.values()),
        )

    def _accounts(self, entries: Iterable[Row]) -> list[Row]:
        touched = {
            entry["account_id"]: {
                **self.accounts[entry["account_id"]],
                "balance_cents": entry["balance_cents"],
                "last_seq": entry["account_seq"],
            }
            for entry in entries
        }
        return [touched[each] for each in sorted(touched)]


def _by(key: str, rows: Iterable[Row]) -> dict[Any, Row]:
    return {row[key]: row for row in rows}


def _of(rows: dict[Any, Row], key: str) -> Row:
    """SQLite keeps an id as text, PostgreSQL's driver gives a UUID."""
    return rows.get(key) or next(row for each, row in rows.items() if str(each) == key)


def _staged(row: Row) -> Row:
    return {
        name: row[name]
        for name in row
        if name not in ("log", "position", "recorded_at", "seq", "held")
    }


def _sums(entries: Iterable[Row]) -> Iterable[Write]:
    account_days: dict[Any, Row] = {}
    totals: dict[Any, Row] = {}
    rewards: dict[Any, Row] = {}
    for entry in entries:
        _account_day(account_days, entry)
        key = entry["business_date"], entry["kind"]
        _add(totals, ("business_date", "kind"), key, entry, "entries")
        if entry["kind"] == "reward":
            key = entry["occurred_on"], entry["amount_cents"]
            _add(rewards, ("completed_on", "reward_cents"), key, entry, "tasks")
    for row in totals.values():
        row["amount_cents"] = sum(
            each["amount_cents"]
            for each in entries
            if (each["business_date"], each["kind"]) == (row["business_date"], row["kind"])
        )
    for row in rewards.values():
        del row["last_entry_no"]
    return (
        ("accounting_account_day", [account_days[each] for each in sorted(account_days)]),
        ("accounting_day_total", list(totals.values())),
        ("accounting_day_reward", list(rewards.values())),
    )


def _priced(prices: Sequence[Row]) -> list[Row]:
    return [
        {"kind": kind, "cents": cents, "tasks": tasks}
        for kind in ("fee", "reward")
        for cents, tasks in sorted(Counter(row[f"{kind}_cents"] for row in prices).items())
    ]


def _account_day(rows: dict[Any, Row], entry: Row) -> None:
    row = rows.setdefault(
        (entry["account_id"], entry["business_date"]),
        {
            "account_id": entry["account_id"],
            "business_date": entry["business_date"],
            **{f"{kind}_cents": 0 for kind in SUMS},
            "entries": 0,
            "first_seq": entry["account_seq"],
        },
    )
    row[f"{entry['kind']}_cents"] += entry["amount_cents"]
    row["entries"] += 1
    row["last_seq"] = entry["account_seq"]


def _add(rows: dict[Any, Row], names: Sequence[str], key: Any, entry: Row, count: str) -> None:
    first = {**dict(zip(names, key, strict=True)), count: 0, "first_entry_no": entry["entry_no"]}
    row = rows.setdefault(key, first)
    row[count] += 1
    row["last_entry_no"] = entry["entry_no"]
