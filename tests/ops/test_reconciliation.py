"""Tracker, ledger and analytics side by side: what must agree, what explains a gap, what does not.

A company works for two days; then somebody with the database at hand loses, doubles and changes.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event, func, select, text

from ates.accounting.models import Entry
from ates.contracts.auth import Role
from ates.kernel.db import Database
from ates.ops import proof, reconciliation
from tests.engines import company as demo
from tests.engines.marks import both
from tests.engines.people import Visitor

from . import poison
from .firm import FIRST, NOW, SECOND, Copy, Firm, at, people_of, worked

SignIn = Callable[..., Visitor]

CLEAN, UNDERWAY, DIFFERENT = 0, 3, 4


@pytest.fixture(scope="module")
def copy_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Copy]]:
    with worked(tmp_path_factory.mktemp("firm")) as made:
        yield made


@pytest.fixture
def database_url(backend: str, tmp_path: Path, copy_of: Callable[[str], Copy]) -> str:
    """Of a copy of the firm that has worked for two days."""
    return copy_of(backend)(tmp_path)


@pytest.fixture
def firm(app: Flask) -> Firm:
    made = Firm(app)
    made.people = people_of(made)
    return made


def reconcile(firm: Firm, *words: str) -> Result:
    return firm.say("ops", "reconcile", *words)


def findings(firm: Firm) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(reconcile(firm, "--json").stdout)["findings"]
    return found


def page(visitor: Visitor, query: str = "") -> str:
    answer = visitor.get(f"/ops/reconciliation{query}")
    assert answer.status_code == 200
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def visit(firm: Firm, sign_in: SignIn, role: str = "admin", query: str = "") -> str:
    with at(NOW):
        return page(sign_in(role), query)


# --- what agrees ----------------------------------------------------------------------------------


@both
def test_a_played_company_agrees_on_every_day(demonstration: Flask) -> None:
    done = demonstration.test_cli_runner().invoke(args=("ops", "reconcile"))
    assert (done.exit_code, done.stdout) == (
        CLEAN,
        "Tracker, ledger and analytics agree: 14 days.\n",
    )
    shown = page(demo.enter(demonstration, "rio@popug.example"), "?days=14")
    assert "Tasks, accounting and analytics agree." in shown
    assert "What was found" not in shown


@both
def test_fees_are_assignments_and_rewards_completions_on_the_day_they_happened(firm: Firm) -> None:
    report = json.loads(reconcile(firm, "--json").stdout)
    newest, oldest = report["days"]
    assert (oldest["day"], oldest["state"], newest["state"]) == (FIRST, "paid", "open")
    assert oldest["tracker"] == {"assignments": 9, "completions": 3}
    assert (oldest["ledger"]["fees"], oldest["ledger"]["rewards"]) == (9, 3)
    assert newest["tracker"] == {"assignments": 0, "completions": 1}
    shared = {name: oldest["ledger"][name] for name in oldest["analytics"]}
    assert oldest["analytics"] == shared
    assert oldest["ledger"]["letters"] == oldest["ledger"]["payouts"] > 0
    assert report["standing"] == "clean"
    assert report["findings"] == []


@both
def test_a_late_entry_is_no_difference(firm: Firm, sign_in: SignIn, database: Database) -> None:
    """It happened on the first day, was set aside over the close, and counts in the second."""
    with poison.broken(firm.app, "accounting"):
        firm.create(1, f"{SECOND}T10:00+00:00")
        with database.transaction() as session:  # a day earlier, before it is numbered
            session.execute(
                text(f"UPDATE outbox SET occurred_at = '{FIRST}T23:00:00.000000+00:00'")
            )
        firm.by_hand(
            f"UPDATE tasks_assignment SET at = '{FIRST}T23:00:00.000000+00:00' WHERE at ="
            f" '{SECOND}T10:00:00.000000+00:00'"
        )
        with at(f"{SECOND}T10:00:01+00:00"):
            poison.drain(firm.app)
    assert reconcile(firm).exit_code == UNDERWAY
    retry = ("events", "retry", "--all", "--by", "Aurora")
    assert firm.say(*retry, when=f"{SECOND}T11:00+00:00").exit_code == 0
    firm.hear(f"{SECOND}T11:00:01+00:00")
    done = reconcile(firm, "--json")
    assert done.exit_code == CLEAN, done.stdout
    newest, oldest = json.loads(done.stdout)["days"]
    assert (oldest["ledger"]["fees"], oldest["ledger"]["counted_later"]) == (10, 1)
    assert (newest["ledger"]["fees"], newest["ledger"]["late"]) == (0, 1)
    assert "Tasks, accounting and analytics agree." in visit(firm, sign_in)


def test_a_part_that_was_taken_out_is_not_compared(firm: Firm) -> None:
    contexts = firm.app.extensions["ates.contexts"]
    for name, gone in (("tasks", "tracker"), ("analytics", "analytics")):
        rest = [each for each in contexts if each.name != name]
        with at(NOW), firm.app.app_context(), firm.database.reading() as session:
            found = reconciliation.reconcile(session, rest, at=datetime.fromisoformat(NOW))
        assert {getattr(line, gone) for line in found.days} == {None}
        assert found.standing is reconciliation.Standing.CLEAN


# --- what is on its way ---------------------------------------------------------------------------


@both
def test_events_on_their_way_explain_a_gap_and_are_named(firm: Firm, sign_in: SignIn) -> None:
    numbers = firm.create(2, f"{SECOND}T10:00+00:00")
    firm.complete(numbers[:1], f"{SECOND}T10:01+00:00")
    done = reconcile(firm)
    assert done.exit_code == UNDERWAY
    assert f"{SECOND} on its way: Assignments on their way to accounting: 2" in done.stdout
    assert "Completions on their way to accounting: 1" in done.stdout
    assert "Nothing differs, and something is on its way: 2 days." in done.stdout
    shown = visit(firm, sign_in)
    assert "Nothing differs. What is on its way explains the rest." in shown
    assert "Assignments on their way to accounting: 2 It comes by itself. · How far it is" in shown
    firm.hear(f"{SECOND}T10:02+00:00")
    assert reconcile(firm).exit_code == CLEAN


@both
def test_events_set_aside_are_named_and_lead_to_their_repair(firm: Firm, sign_in: SignIn) -> None:
    firm.create(2, f"{SECOND}T10:00+00:00")
    with poison.broken(firm.app, "accounting"), at(f"{SECOND}T10:00:01+00:00"):
        poison.drain(firm.app)
    done = reconcile(firm)
    assert done.exit_code == UNDERWAY
    assert "Assignments that accounting set aside until a repair: 2" in done.stdout
    with at(NOW):
        assert (
            'href="/ops/events/?consumer=accounting"'
            in sign_in("admin").get("/ops/reconciliation").text
        )
    parked = poison.parked_at(firm.app, "accounting")
    for row in parked:
        if row.status != "blocked":
            skipped = firm.say(
                "events", "skip", "--consumer", "accounting", "--position", str(row.position),
                "--by", "Aurora", "--reason", "the parrot has flown away",
            )  # fmt: skip
            assert skipped.exit_code == 0, skipped.output
    firm.by_hand("UPDATE parked SET status = 'skipped'")  # the assignments behind them too
    done = reconcile(firm)
    assert done.exit_code == CLEAN
    assert "for the record: Assignments left out for ever by decision: 2" in done.stdout


@both
def test_a_wrong_figure_is_found_while_analytics_is_behind(firm: Firm) -> None:
    """What it has not heard is left out of both sides, so that lag hides nothing."""
    firm.create(2, f"{SECOND}T10:00+00:00")
    with at(f"{SECOND}T10:00:01+00:00"):
        for _ in range(2):
            poison.drain(firm.app, "accounting")
    done = reconcile(firm)
    assert done.exit_code == UNDERWAY, done.stdout
    assert "Entries on their way to analytics: 2" in done.stdout
    firm.by_hand(
        f"UPDATE analytics_day SET fee_cents = fee_cents - 100 WHERE business_date = '{SECOND}'"
    )
    done = reconcile(firm)
    assert done.exit_code == DIFFERENT
    assert "DIFFERENCE: Fees: accounting $0.00, analytics -$1.00" in done.stdout


@both
def test_letters_that_have_not_gone_out_are_on_their_way(firm: Firm) -> None:
    firm.by_hand("UPDATE accounting_letter SET state = 'failed'")
    done = reconcile(firm)
    assert done.exit_code == UNDERWAY
    assert re.search("on its way: Letters that have not gone out: [1-3]", done.stdout)


# --- what differs ---------------------------------------------------------------------------------


@both
def test_a_lost_event_is_found_and_its_task_named(firm: Firm, sign_in: SignIn) -> None:
    (number,) = firm.create(1, f"{SECOND}T10:00+00:00")
    firm.by_hand("DELETE FROM outbox WHERE type = 'tasks.task_assigned'")
    firm.hear(f"{SECOND}T10:00:01+00:00")
    done = reconcile(firm)
    assert done.exit_code == DIFFERENT
    named = f"Assignments without a fee: 1 (No {number}, assignment 1)"
    assert f"{SECOND} DIFFERENCE: {named}" in done.stdout
    assert "Try flask events verify, flask accounting verify --full." in done.stdout
    shown = visit(firm, sign_in)
    assert "1 difference between the parts" in shown
    assert f"Assignments without a fee: 1 No {number}, assignment 1 The day" in shown


@both
def test_what_is_on_its_way_is_not_named_among_the_lost(firm: Firm) -> None:
    (lost,) = firm.create(1, f"{SECOND}T10:00+00:00")
    firm.by_hand("DELETE FROM outbox WHERE type = 'tasks.task_assigned'")
    firm.hear(f"{SECOND}T10:00:01+00:00")
    firm.create(2, f"{SECOND}T10:01+00:00")
    lines = reconcile(firm).stdout.splitlines()
    assert f"Assignments without a fee: 1 (No {lost}, assignment 1)." in lines[0]
    assert "Assignments on their way to accounting: 2." in lines[1]


@both
def test_a_lost_completion_is_found_and_its_task_named(firm: Firm) -> None:
    (number,) = firm.create(1, f"{SECOND}T10:00+00:00")
    firm.hear(f"{SECOND}T10:00:01+00:00")
    firm.complete([number], f"{SECOND}T10:01+00:00")
    firm.by_hand("DELETE FROM outbox")
    firm.hear(f"{SECOND}T10:01:01+00:00")
    assert findings(firm)[0]["sentence"] == f"Completions without a reward: 1 (No {number})"


COPY = """
INSERT INTO accounting_entry SELECT {last} + 1, account_id, account_seq + 100, kind, source_id,
source_no + 100, amount_cents, balance_cents, business_date, occurred_on, occurred_at, posted_at,
event_id FROM accounting_entry WHERE entry_no = 1
"""


@both
def test_a_doubled_fee_is_found_and_named(firm: Firm, sign_in: SignIn) -> None:
    """A row past the end, which no sum knows of, then with all the sums and the head put right."""
    with firm.database.reading() as session:
        last = session.scalar(select(func.count()).select_from(Entry)) or 0
    firm.by_hand(COPY.format(last=last))
    wanted = f"Fees without an assignment: 1 (Entry {last + 1})"
    assert reconcile(firm).exit_code == DIFFERENT
    assert wanted in [each["sentence"] for each in findings(firm)]
    assert f"Fees without an assignment: 1 Entry {last + 1}" in visit(firm, sign_in)
    firm.by_hand(
        "UPDATE accounting_head SET last_entry_no = last_entry_no + 1",
        "UPDATE accounting_day_total SET entries = entries + 1, last_entry_no ="
        f" {last + 1} WHERE kind = 'fee' AND business_date = '{FIRST}'",
    )
    assert wanted in [each["sentence"] for each in findings(firm)]
    assert f"Fees without an assignment: 1 Entry {last + 1}" in visit(firm, sign_in)


@both
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("fee_cents = fee_cents - 500", "Fees: accounting -{fees}, analytics -"),
        ("reward_cents = 0", "Rewards: accounting {rewards}, analytics $0.00"),
        ("payout_cents = 1", "Payouts: accounting -"),
        ("entries = entries + 1", "Entries: accounting "),
    ],
)
def test_a_wrong_row_of_analytics_is_found(
    firm: Firm, sign_in: SignIn, change: str, sentence: str
) -> None:
    firm.by_hand(f"UPDATE analytics_day SET {change} WHERE business_date = '{FIRST}'")
    done = reconcile(firm)
    assert done.exit_code == DIFFERENT
    (found,) = findings(firm)
    assert sentence.partition("{")[0] in found["sentence"]
    assert "flask analytics verify --full" in found["commands"]
    shown = visit(firm, sign_in)
    assert "The day in analytics · flask analytics verify --full" in shown


@both
def test_a_missing_row_of_the_histogram_is_found(firm: Firm) -> None:
    firm.by_hand("DELETE FROM analytics_day_reward")
    assert reconcile(firm).exit_code == DIFFERENT
    assert "Completed tasks: accounting 3, analytics 0" in {
        each["sentence"] for each in findings(firm)
    }


@both
def test_a_payout_without_its_letter_and_a_wrong_letter_are_found(firm: Firm) -> None:
    firm.by_hand("UPDATE accounting_letter SET reward_cents = reward_cents + 100")
    assert reconcile(firm).exit_code == DIFFERENT
    firm.by_hand("DELETE FROM accounting_letter")
    sentences = [each["sentence"] for each in findings(firm)]
    assert any(re.match("Payouts without a letter: [1-3]", each) for each in sentences)


@both
def test_the_full_check_of_everything_reconciles_all_days(firm: Firm) -> None:
    firm.by_hand(f"DELETE FROM analytics_day WHERE business_date = '{FIRST}'")
    with at(NOW), firm.app.app_context():
        quick = proof.verify(firm.database, firm.app.extensions["ates.contexts"], full=False)
        full = proof.verify(firm.database, firm.app.extensions["ates.contexts"], full=True)
    assert "reconciliation" not in quick
    assert any(each.startswith(f"{FIRST}: Fees: accounting") for each in full["reconciliation"])


# --- the page -------------------------------------------------------------------------------------


def test_accountants_and_admins_see_it(firm: Firm, client: Visitor, sign_in: SignIn) -> None:
    with at(NOW):
        for role in Role:
            wanted = 200 if role in (Role.ACCOUNTANT, Role.ADMIN) else 403
            assert sign_in(role).get("/ops/reconciliation").status_code == wanted, role
        assert client.get("/ops/reconciliation").status_code == 303
        assert 'href="/ops/reconciliation"' in sign_in("accountant").get("/accounting/").text
        assert 'href="/ops/reconciliation"' in sign_in("admin").get("/ops/").text


def test_an_accountant_is_not_led_to_pages_of_admins(firm: Firm, sign_in: SignIn) -> None:
    firm.create(1, f"{SECOND}T10:00+00:00")
    firm.by_hand("UPDATE analytics_day SET entries = entries + 1")
    with at(NOW):
        shown = sign_in("accountant").get("/ops/reconciliation").text
    assert "/ops/events/" not in shown
    assert 'href="/analytics/' not in shown
    assert f'href="/accounting/days/{FIRST}"' in shown


def test_it_speaks_russian(firm: Firm, sign_in: SignIn) -> None:
    with at(NOW):
        answer = sign_in("accountant", locale="ru").get("/ops/reconciliation")
    assert (answer.status_code, 'lang="ru"' in answer.text) == (200, True)
    assert "10 мар. 2026" in answer.text


@both
def test_a_page_reads_sums_in_a_few_statements(
    firm: Firm, sign_in: SignIn, database: Database
) -> None:
    asked: list[str] = []
    with at(NOW):
        admin = sign_in("admin")
        admin.get("/ops/reconciliation")

        def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
            asked.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        admin.get("/ops/reconciliation")
        event.remove(database.engine, "before_cursor_execute", note)
    queries = [each for each in asked if each.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(queries) <= 8, queries


@both
def test_a_day_is_counted_by_an_index(firm: Firm, database: Database) -> None:
    """However many rows there are: no plan reads a table from end to end."""
    plans: list[str] = []
    with database.session("read") as session:
        connection = session.connection()
        if not database.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        for column, table in (("at", "tasks_assignment"), ("completed_at", "tasks_task")):
            question = (
                f"{explain} SELECT count(*) FROM {table} WHERE {column} >="
                f" '{FIRST}T00:00:00.000000+00:00' AND {column} < '{SECOND}T00:00:00.000000+00:00'"
            )
            plans += [str(row) for row in connection.exec_driver_sql(question)]
    plan = "\n".join(plans)
    assert "ix_tasks_assignment_at" in plan
    assert "ix_tasks_task_done" in plan
