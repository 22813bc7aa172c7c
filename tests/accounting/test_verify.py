"""The proof: nothing on honest books, and every change somebody makes past the application."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from ates.accounting.models import Head
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated
from ates.kernel import clock
from ates.kernel.bus import publish
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, BIBI, Office, moment, task, worked_example
from tests.engines.marks import both

SECOND = "2025-03-28T12:00:01.000000+00:00"

# What somebody changes, and whether the default check (chain) or only the full one must see it.
CHAIN = {
    "an amount": "UPDATE accounting_entry SET amount_cents = -1000 WHERE entry_no = 1",
    "a balance": "UPDATE accounting_entry SET balance_cents = 1 WHERE entry_no = 5",
    "a person": "UPDATE accounting_entry SET account_id = 3, account_seq = 99 WHERE entry_no = 1",
    "a number": "UPDATE accounting_entry SET account_seq = 90 WHERE entry_no = 13",
    "a task": "UPDATE accounting_entry SET source_no = 9 WHERE entry_no = 8",
    "a day": "UPDATE accounting_entry SET business_date = '2025-03-30' WHERE entry_no = 13",
    "the day it happened": (
        "UPDATE accounting_entry SET occurred_on = '2025-03-27' WHERE entry_no = 5"
    ),
    "a moment": f"UPDATE accounting_entry SET occurred_at = '{SECOND}' WHERE entry_no = 7",
    "when it was posted": f"UPDATE accounting_entry SET posted_at = '{SECOND}' WHERE entry_no = 7",
    "an event id": "UPDATE accounting_entry SET event_id = NULL WHERE entry_no = 7",
    "an event id that was none": (
        "UPDATE accounting_entry SET event_id = '00000000-0000-0000-0000-000000000001'"
        " WHERE entry_no = 4"
    ),
    "an entry removed": "DELETE FROM accounting_entry WHERE entry_no = 6",
    "a hash": "UPDATE accounting_block SET key_id = 2 WHERE block_no = 7",
    "when a block was": f"UPDATE accounting_block SET posted_at = '{SECOND}' WHERE block_no = 3",
    "a block removed": "DELETE FROM accounting_block WHERE block_no = 9",
    "a price": "UPDATE accounting_price SET fee_cents = 1000 WHERE fee_cents = 2000",
    "a price removed": "DELETE FROM accounting_price WHERE fee_cents = 2000",
    "who an account is": "UPDATE accounting_account SET person_id = "
    "'00000000-0000-4000-8000-0000000000af' WHERE id = 1",
    "the head": "UPDATE accounting_head SET last_entry_no = 17",
    "the head's block": "UPDATE accounting_head SET last_block_no = 17",
    "a tail cut": "DELETE FROM accounting_block WHERE block_no = 18;"
    "DELETE FROM accounting_payout WHERE entry_no = 18;"
    "DELETE FROM accounting_entry WHERE entry_no = 18",
    "a balance of an account": "UPDATE accounting_account SET balance_cents = 0 WHERE id = 1",
    "days out of order": (
        "UPDATE accounting_day SET state = 'closed', paid_at = NULL, payouts = NULL,"
        " payout_cents = NULL WHERE business_date = '2025-03-27'"
    ),
    "a letter removed": "DELETE FROM accounting_letter WHERE account_id = 1",
}
SUMS = {
    "a sum of a paid day": (
        "UPDATE accounting_account_day SET fee_cents = fee_cents - 100, reward_cents ="
        " reward_cents + 100 WHERE account_id = 1 AND business_date = '2025-03-28'"
    ),
    "a total of a paid day": (
        "UPDATE accounting_day_total SET entries = entries + 1 WHERE kind = 'reward'"
    ),
    "the tasks of a price": "UPDATE accounting_price_total SET tasks = tasks + 1",
    "the tasks of a price forgotten": "DELETE FROM accounting_price_total WHERE kind = 'fee'",
    "the histogram": "UPDATE accounting_day_reward SET tasks = tasks + 1",
    "a seal": "UPDATE accounting_day SET parked = 0, close_entry_no = close_entry_no + 1"
    " WHERE business_date = '2025-03-28'",
    "what a day paid": "UPDATE accounting_day SET payouts = 5 WHERE business_date = '2025-03-28'",
    "a last number": "UPDATE accounting_account SET last_seq = 99 WHERE id = 2",
    "two balances": (
        "UPDATE accounting_account SET balance_cents = balance_cents + 100 WHERE id = 1;"
        "UPDATE accounting_account SET balance_cents = balance_cents - 100 WHERE id = 2"
    ),
}


@both
def test_nothing_on_honest_books(office: Office) -> None:
    list(worked_example(office))
    assert office.verify("quick") == office.verify("new") == []
    assert _sums_only(office) == []


@both
def test_every_change_is_found(office: Office) -> None:
    """P13: each in a transaction of its own that is rolled back after looking."""
    list(worked_example(office))
    unguard(office)
    quiet = [what for what, change in CHAIN.items() if not _seen(office, change, "new")]
    quiet += [what for what, change in SUMS.items() if not _seen(office, change, "full")]
    assert quiet == []
    assert office.verify("new") == []


def test_it_names_the_entries(office: Office) -> None:
    list(worked_example(office))
    unguard(office)
    alter(office, CHAIN["an amount"])
    found = office.verify("new")
    assert "the fee is not the price of its task, entry 1" in found
    assert "block 1 does not match its hash, entry 1" in found


def test_the_next_check_begins_where_the_last_one_ended(office: Office, app: Flask) -> None:
    list(worked_example(office))
    runner = app.test_cli_runner()
    first = runner.invoke(args=["accounting", "verify", "--json"])
    assert json.loads(first.output)["entries"] == 18
    assert office.scalar(select(Head.verified_block_no)) == 18
    office.fee(ARA, 8, 1, "30 10:00")
    second = runner.invoke(args=["accounting", "verify", "--json"])
    assert json.loads(second.output)["entries"] == 1
    quick = runner.invoke(args=["accounting", "verify", "--quick"])
    assert quick.output.startswith("Books balance: 19 entries, ")


def test_the_command_ends_with_4_when_something_differs(office: Office, app: Flask) -> None:
    list(worked_example(office))
    unguard(office)
    alter(office, *SUMS["two balances"].split(";"))
    runner = app.test_cli_runner()
    assert runner.invoke(args=["accounting", "verify", "--quick"]).exit_code == 0
    done = runner.invoke(args=["accounting", "verify", "--full"])
    assert done.exit_code == 4
    assert "the balance of an account differs" in done.output


# --- the log --------------------------------------------------------------------------------------


@pytest.fixture
def heard(office: Office, drain: Callable[[], None]) -> Office:
    """Books whose facts came through the log."""
    with clock.frozen(moment("27 09:00")), office.database.transaction() as session:
        created = TaskCreated(
            task_id=task(1), key_version=1, number=1, title="Fix the nest", created_by=ARA
        )
        publish(session, created)
        publish(session, TaskAssigned(task_id=task(1), key_version=2, number=1, assignee_id=ARA))
    with clock.frozen(moment("27 10:00")), office.database.transaction() as session:
        publish(session, TaskAssigned(task_id=task(1), key_version=3, number=2, assignee_id=BIBI))
        publish(session, TaskCompleted(task_id=task(1), key_version=4, assignee_id=BIBI))
    with clock.frozen(moment("27 10:01")):
        drain()
    return office


@both
def test_every_event_has_its_entry_and_every_entry_its_event(heard: Office) -> None:
    assert len(heard.entries()) == 3
    assert heard.verify("full") == []


@both
def test_a_fact_that_was_lost_is_found_both_ways(heard: Office) -> None:
    unguard(heard)
    assert _seen(heard, "DELETE FROM event_log WHERE type = 'tasks.task_completed'", "full")
    moved = "UPDATE event_log SET occurred_at = '2025-03-27T10:00:01.000000+00:00'"
    assert _seen(heard, f"{moved} WHERE type = 'tasks.task_completed'", "full")
    unsaid = "DELETE FROM event_log WHERE type = 'accounting.entries_posted'"
    assert _seen(heard, f"{unsaid}; DELETE FROM outbox", "full")


def test_an_entry_nobody_said_is_found(heard: Office) -> None:
    heard.fee(ARA, 1, 3, "27 11:00")
    assert heard.verify("full") == ["no event of the log is behind it, entry 4"]


def test_a_parked_event_is_no_difference(heard: Office, drain: Callable[[], None]) -> None:
    again = TaskAssigned(task_id=task(1), key_version=5, number=1, assignee_id=BIBI)
    with clock.frozen(moment("27 11:00")), heard.database.transaction() as session:
        publish(session, again)
    with clock.frozen(moment("27 11:01") + timedelta(seconds=1)):
        drain()
    assert len(heard.entries()) == 3
    assert heard.verify("full") == []


def _seen(office: Office, change: str, level: Any) -> bool:
    """Whether the check sees this change; it is undone afterwards."""
    with office.database.session() as session, session.begin() as transaction:
        if office.database.is_sqlite:
            session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for statement in change.split(";"):
            session.connection().exec_driver_sql(statement)
        found = office.differences(session, level)
        transaction.rollback()
    if level == "full":
        found = [each for each in found if not _about_the_log(each)] or _only_log(office, found)
    return bool(found)


def _about_the_log(sentence: str) -> bool:
    """The worked example posts past the log, so a full check always says this of it."""
    return "no event of the log" in sentence or "were said" in sentence


def _only_log(office: Office, found: list[str]) -> list[str]:
    return [each for each in found if each not in office.verify("full")]


def _sums_only(office: Office) -> list[str]:
    return [each for each in office.verify("full") if not _about_the_log(each)]
