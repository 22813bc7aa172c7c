"""The bare driver: the same rows in the same transactions, in statements written by hand."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg

from bench.books import Bundle, Row
from bench.places import Place

MERGES = {
    "accounting_person": "(person_id) DO UPDATE SET name = excluded.name, email = excluded.email,"
    " role = excluded.role, trade = excluded.trade, locale = excluded.locale,"
    " active = excluded.active, version = excluded.version"
    " WHERE accounting_person.version < excluded.version",
    "accounting_card": "(task_id) DO UPDATE SET number = excluded.number, title = excluded.title,"
    " jira_id = excluded.jira_id, description = excluded.description, version = excluded.version"
    " WHERE accounting_card.version < excluded.version",
    "accounting_price_total": "(kind, cents) DO UPDATE SET"
    " tasks = accounting_price_total.tasks + excluded.tasks",
    "accounting_account": "(id) DO UPDATE SET balance_cents = excluded.balance_cents,"
    " last_seq = excluded.last_seq",
    "accounting_account_day": "(account_id, business_date) DO UPDATE SET"
    " fee_cents = accounting_account_day.fee_cents + excluded.fee_cents,"
    " reward_cents = accounting_account_day.reward_cents + excluded.reward_cents,"
    " adjustment_cents = accounting_account_day.adjustment_cents + excluded.adjustment_cents,"
    " payout_cents = accounting_account_day.payout_cents + excluded.payout_cents,"
    " entries = accounting_account_day.entries + excluded.entries, last_seq = excluded.last_seq",
    "accounting_day_total": "(business_date, kind) DO UPDATE SET"
    " amount_cents = accounting_day_total.amount_cents + excluded.amount_cents,"
    " entries = accounting_day_total.entries + excluded.entries,"
    " last_entry_no = excluded.last_entry_no",
    "accounting_day_reward": "(completed_on, reward_cents) DO UPDATE SET"
    " tasks = accounting_day_reward.tasks + excluded.tasks",
}
HEAD = "UPDATE accounting_head SET last_entry_no = {0}, last_block_no = {0}, last_hash = {0},\
 last_account_id = {0}, said = {0} WHERE id = 1"
HEADS = ("last_entry_no", "last_block_no", "last_hash", "last_account_id", "said")
MOVE = "UPDATE consumer SET position = {0}, moved_at = {0} WHERE name = {0} AND log = {0}"
CONSUMER = ("accounting", "ates")

Writer = Callable[[Any, str, Sequence[Row]], None]


def _insert(table: str, names: Iterable[str], rows: str) -> str:
    merge = f" ON CONFLICT {MERGES[table]}" if table in MERGES else ""
    return f"INSERT INTO {table} ({', '.join(names)}) {rows}{merge}"


# --- SQLite ---------------------------------------------------------------------------------------


def on_sqlite(place: Place, url: str, plan: Sequence[Bundle], moment: Any) -> float:
    """Seconds that sqlite3 takes, in WAL and FULL with our pragmas; executemany per table."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("foreign_keys = ON", "recursive_triggers = ON", "synchronous = FULL",
                   "cache_size = -16000", "mmap_size = 0"):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")
    started = time.perf_counter()
    for bundle in plan:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in bundle.writes:
            marks = ", ".join("?" * len(rows[0]))
            statement = _insert(table, rows[0], f"VALUES ({marks})")
            connection.executemany(statement, [tuple(row.values()) for row in rows])
        connection.execute(HEAD.format("?"), [bundle.head[name] for name in HEADS])
        connection.execute(MOVE.format("?"), (bundle.position, moment, *CONSUMER))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


# --- PostgreSQL -----------------------------------------------------------------------------------


class Postgres:
    """psycopg with statements by hand. Of three ways to write many rows the fastest counts."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url.replace("+psycopg", ""))
        found = self.connection.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns"
            " WHERE table_schema = 'public'"
        )
        self.types = {(table, column): kind for table, column, kind in found}
        self.connection.commit()

    def run(self, plan: Sequence[Bundle], write: Writer, moment: Any) -> float:
        """Seconds for all transactions."""
        started = time.perf_counter()
        for bundle in plan:
            with self.connection.cursor() as cursor:
                for table, rows in bundle.writes:
                    write(cursor, table, rows)
                cursor.execute(HEAD.format("%s"), [bundle.head[name] for name in HEADS])
                cursor.execute(MOVE.format("%s"), (bundle.position, moment, *CONSUMER))
            self.connection.commit()
        return time.perf_counter() - started

    def close(self) -> None:
        self.connection.close()

    def unnest(self, cursor: Any, table: str, rows: Sequence[Row]) -> None:
        """One statement with an array per column."""
        names = list(rows[0])
        arrays = ", ".join(f"%s::{self.types[table, name]}[]" for name in names)
        values = [[row[name] for row in rows] for name in names]
        cursor.execute(_insert(table, names, f"SELECT * FROM unnest({arrays})"), values)

    def many(self, cursor: Any, table: str, rows: Sequence[Row]) -> None:
        """executemany, which psycopg sends as a pipeline."""
        names = list(rows[0])
        marks = ", ".join(["%s"] * len(names))
        statement = _insert(table, names, f"VALUES ({marks})")
        cursor.executemany(statement, [tuple(row.values()) for row in rows])

    def copy(self, cursor: Any, table: str, rows: Sequence[Row]) -> None:
        """COPY where nothing merges, `unnest` where it does."""
        if table in MERGES:
            self.unnest(cursor, table, rows)
            return
        names = list(rows[0])
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([self.types[table, name] for name in names])
            for row in rows:
                copy.write_row(tuple(row.values()))


def fastest(place: Place, url: str, plan: Sequence[Bundle], moment: Any) -> str:
    """Which way of writing PostgreSQL takes fastest, tried once each on a copy."""
    found = {}
    for name in ("unnest", "many", "copy"):
        copy = place.copy(url)
        found[name] = on_postgresql(copy, plan, moment, name)
        place.drop(copy)
    return min(found, key=lambda name: found[name])


def on_postgresql(url: str, plan: Sequence[Bundle], moment: Any, way: str) -> float:
    """Seconds that psycopg takes."""
    driver = Postgres(url)
    try:
        return driver.run(plan, getattr(driver, way), moment)
    finally:
        driver.close()
