"""Files of the books: the filter of the screen, every row, to the byte (S15, P12)."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from ates.accounting import exports
from ates.accounting.posting.facts import TaskCard
from ates.accounting.queries.rows import Scope
from ates.kernel import clock, ids
from ates.web.sheet import unguarded
from tests.accounting.make import Office, moment, person, task, worked_example
from tests.accounting.march import NOW, March, rows_of
from tests.engines.marks import both
from tests.engines.people import Visitor


def cents(text: str) -> int:
    return int(Decimal(text) * 100)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@both
def test_a_file_of_entries_is_read_back_to_the_same_entries(march: March, backend: str) -> None:
    found = march.rows("entries/export.csv", by=march.accountant)
    entries = march.office.entries()
    assert len(found) == len(entries)
    for row, entry in zip(found, entries, strict=True):
        assert int(row["entry_no"]) == entry.entry_no
        assert int(row["account_seq"]) == entry.account_seq
        assert row["person_id"] == str(entry.person_id)
        assert row["kind"] == entry.kind
        assert cents(row["amount"]) == entry.amount_cents
        assert cents(row["balance_after"]) == entry.balance_cents
        assert row["business_date"] == entry.business_date.isoformat()
        assert row["occurred_on"] == entry.occurred_on.isoformat()
        assert at(row["occurred_at"]) == entry.occurred_at
        assert at(row["posted_at"]) == entry.posted_at
        assert (row["source_id"], row["source_no"]) == (str(entry.source_id), str(entry.source_no))
        assert row["event_id"] == ("" if entry.event_id is None else str(entry.event_id))


@both
def test_the_last_line_counts_and_sums(march: March, backend: str) -> None:
    entries = march.office.entries()
    *rows, last = rows_of(march.file("entries/export.csv", by=march.accountant))
    assert last["entry_no"] == "total"
    assert int(last["account_seq"]) == len(rows) == len(entries)
    assert cents(last["amount"]) == sum(entry.amount_cents for entry in entries)
    assert last["balance_after"] == ""


def test_rows_are_the_filters(march: March) -> None:
    """As many, of the same sum, as the screen says."""
    for asked in (
        "kind=fee",
        "kind=income",
        "day=2025-03-29",
        "from=2025-03-28&to=2025-03-29",
        "task=5",
        f"user={march.who}",
        f"user={march.who}&kind=reward&day=2025-03-29",
        "day=2020-01-01",
        "task=999",
        f"user={ids.new()}",
    ):
        *rows, last = rows_of(march.file(f"entries/export.csv?{asked}", by=march.accountant))
        address = f"entries/?{asked}"
        shown = re.findall(r'id="e(\d+)"', march.get(address, by=march.accountant).text)
        assert [row["entry_no"] for row in rows] == sorted(shown, key=int)
        page = march.page(address, by=march.accountant)
        said = re.search(r"Sum of (?:\d+ entr\w+|these entries): [+−]?\$([\d.]+)", page)
        assert bool(said) == bool(rows)
        assert said is None or abs(cents(last["amount"])) == cents(said[1])


def test_the_links_beside_a_list_keep_its_filter(march: March) -> None:
    body = march.get("entries/?kind=fee&day=2025-03-28", by=march.accountant).text
    links = [unescape(each) for each in re.findall(r'href="([^"]+export\.csv[^"]*)"', body)]
    assert len(links) == 2
    for link, dialect in zip(links, ("excel", "plain"), strict=True):
        assert link.startswith("/accounting/entries/export.csv?")
        assert set(link.partition("?")[2].split("&")) == {
            "kind=fee", "day=2025-03-28", f"dialect={dialect}",
        }  # fmt: skip
    for page in ("", "accounts/", "payouts/", "payouts/2025-03-27", f"accounts/{march.who}"):
        assert "export.csv?" in march.get(page, by=march.accountant).text, page


def test_a_filter_that_cannot_be_read_is_refused(march: March) -> None:
    """A page would leave it out and say so; a file has no place to say it."""
    for asked in ("kind=tip", "day=yesterday", "dialect=xls"):
        assert march.get(f"entries/export.csv?{asked}", by=march.accountant).status_code == 422
    assert march.acts() == []


def test_a_title_that_looks_like_a_formula_is_guarded_and_an_amount_is_not(march: March) -> None:
    rows = march.rows("me/export.csv")
    titles = {row["task"] for row in rows if row["kind"] == "fee"}
    assert "'=cmd()" in titles
    assert {unguarded(title) for title in titles} == {
        "Count the parrots", "=cmd()", "Клетка; и качели", "Feed the owls",
    }  # fmt: skip
    assert {row["amount"] for row in rows} >= {"-11.00", "-28.00", "2.45"}


def test_the_own_file_is_the_own_ledger_alone(march: March) -> None:
    rows = march.rows("me/export.csv")
    assert [int(row["account_seq"]) for row in rows] == list(range(1, len(rows) + 1))
    assert {row["person"] for row in rows} == {"Kesha A."}
    balance = 0
    for row in rows:
        balance += cents(row["amount"])
        assert cents(row["balance_after"]) == balance
    assert [row["kind"] for row in march.rows("me/export.csv?kind=payout")] == ["payout"]


@both
def test_a_statement_is_framed_by_what_was_brought_and_carried(march: March, backend: str) -> None:
    assert march.file("me/statements/2025-03-29/export.csv") == "\r\n".join(
        (
            "business_date,kind,entry_no,task_no,jira_id,task,reason,occurred_on,occurred_at,"
            "amount,balance",
            "2025-03-29,brought_forward,,,,,,,,,-25.00",
            "2025-03-29,fee,6,6,,Feed the owls,,2025-03-29,2025-03-29T00:00:00.000000Z,"
            "-13.00,-38.00",
            "2025-03-29,reward,8,4,,'=cmd(),,2025-03-28,2025-03-28T23:59:40.000000Z,35.00,-3.00",
            '2025-03-29,adjustment,9,,,,"vet, receipt 118",2025-03-29,'
            "2025-03-29T17:00:00.000000Z,2.45,-0.55",
            "2025-03-29,carried_forward,,,,,,,,,-0.55",
            "total,5,,,,,,,,24.45,",
            "",
        )
    )
    month = march.rows("me/statements/2025-03/export.csv")
    assert (month[0]["balance"], month[-1]["balance"]) == ("0.00", "22.45")
    assert [row["business_date"] for row in month] == sorted(row["business_date"] for row in month)


def test_excel_opens_it_in_the_language_of_the_reader(
    march: March, sign_in: Callable[..., Visitor]
) -> None:
    with clock.frozen(NOW):
        klavdia = sign_in("accountant", locale="ru")
    answer = march.get("entries/export.csv?kind=adjustment", by=klavdia)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entries.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    head, row, end = answer.get_data().decode().split("\r\n")
    assert head.startswith("\ufeff")
    assert ";Сумма;" in head
    assert ";2,45;" in row
    assert end == ""
    english = march.get("entries/export.csv?kind=adjustment", by=march.accountant)
    head, row, end = english.get_data().decode().split("\r\n")
    assert ",Amount,Balance after," in head
    assert "Happened (UTC)" in head
    assert ",Correction," in row
    assert ",2.45," in row


@both
def test_days_accounts_and_payouts(march: March, backend: str) -> None:
    list_of = {name: march.rows(f"{name}/export.csv", by=march.accountant) for name in
               ("days", "accounts", "payouts")}  # fmt: skip
    days = {row["business_date"]: row for row in list_of["days"]}
    assert list(days) == ["2025-03-27", "2025-03-28", "2025-03-29", "2025-03-30"]
    day = days["2025-03-28"]
    assert (day["fees"], day["fee_amount"], day["income"]) == ("3", "42.00", "42.00")
    assert (day["state"], day["payout_amount"], day["adjustments"]) == ("paid", "0.00", "0")
    assert re.fullmatch(r"[0-9a-f]{64}", day["seal"])
    assert (days["2025-03-30"]["state"], days["2025-03-30"]["seal"]) == ("open", "")
    only = march.rows("days/export.csv?from=2025-03-28&to=2025-03-28", by=march.accountant)
    assert only == [day]
    accounts = {row["person"]: row for row in list_of["accounts"]}
    assert accounts["Kesha A."]["balance"] == "22.45"
    below = march.rows("accounts/export.csv?below=zero&q=kesha", by=march.accountant)
    assert below == []
    assert [(row["business_date"], row["amount"]) for row in list_of["payouts"]] == [
        ("2025-03-27", "28.00")
    ]
    assert march.rows("payouts/2025-03-27/export.csv", by=march.accountant) == list_of["payouts"]
    assert march.rows("payouts/2025-03-28/export.csv", by=march.accountant) == []


@both
def test_a_paid_day_is_the_same_for_ever_names_aside(march: March, backend: str) -> None:
    files = [
        ("entries/export.csv?day=2025-03-27", march.accountant),
        ("days/export.csv?to=2025-03-29", march.accountant),
        ("payouts/2025-03-27/export.csv", march.accountant),
        ("me/statements/2025-03-27/export.csv", march.popug),
    ]
    before = [march.file(address, by=by) for address, by in files]
    office = march.office
    office.reward(march.who, 6, "27 10:00", now="30 13:00")  # late, counts today
    march.correct(-500, "=broke a window", at="30 14:00")
    assert march.rows("me/export.csv")[-1]["reason"] == "'=broke a window"
    with office.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE accounting_letter SET state = 'sent'")
    office.run("31 00:10")
    assert [march.file(address, by=by) for address, by in files] == before
    office.meet(person(march.who, name="Kesha Z.", version=2))
    with office.posting(moment("31 01:00")) as unit:
        unit.seen(task(2), TaskCard(version=2, title="Count the owls", jira_id=None))
    renamed = [march.file(address, by=by) for address, by in files]
    assert renamed != before
    for old, new in zip(before, renamed, strict=True):
        assert new.replace("Kesha Z.", "Kesha A.").replace("the owls", "the parrots") == (
            old.replace("the owls", "the parrots")
        )


def test_what_bookkeepers_take_along_is_recorded(march: March) -> None:
    account = f"account {_account(march)}"
    for address in (
        "entries/export.csv?kind=fee",
        "accounts/export.csv?q=kesha",
        "days/export.csv?from=2025-03-28",
        "payouts/2025-03-27/export.csv",
        f"accounts/{march.who}/export.csv",
        f"accounts/{march.who}/statements/2025-03/export.csv",
    ):
        march.file(address, by=march.accountant)
    acts = march.acts()
    assert acts == [
        ("export", "entries", '{"dialect": "plain", "kind": "fee"}'),
        ("export", "accounts", '{"dialect": "plain", "q": "…"}'),  # no name of anybody
        ("export", "days", '{"dialect": "plain", "from": "2025-03-28"}'),
        ("export", "payouts", '{"dialect": "plain", "from": "2025-03-27", "to": "2025-03-27"}'),
        ("export", account, '{"dialect": "plain"}'),
        ("export", account, '{"dialect": "plain", "period": "2025-03"}'),
    ]
    march.file("me/export.csv")
    march.file("me/statements/2025-03/export.csv")
    assert march.acts() == acts


@pytest.mark.parametrize("role", ["employee", "manager", "accountant", "admin"])
def test_role_by_file(march: March, sign_in: Callable[..., Visitor], role: str) -> None:
    with clock.frozen(NOW):
        visitor = sign_in(role)
    allowed = role in ("accountant", "admin")
    for name in ("entries", "accounts", "days", "payouts", "payouts/2025-03-27"):
        answer = march.get(f"{name}/export.csv", by=visitor)
        assert answer.status_code == (200 if allowed else 403), name
    assert len(march.acts()) == (5 if allowed else 0)


def test_nobody_signed_in_gets_a_file(march: March) -> None:
    guest: Any = march.popug.application.test_client()
    for address in ("entries/export.csv", "me/export.csv", "me/statements/2025-03/export.csv"):
        assert march.get(address, by=guest).status_code == 303


@both
def test_the_worked_example_as_a_file(office: Office, backend: str) -> None:
    """All eighteen entries in the order of booking."""
    list(worked_example(office))
    with office.database.reading() as session:
        rows = list(exports.entries(session, Scope()))
    assert [row[0] for row in rows] == list(range(1, 19))
    assert sum(row[9] for row in rows) == -1500


def _account(march: March) -> int:
    return int(next(e.account_id for e in march.office.entries() if e.person_id == march.who))
