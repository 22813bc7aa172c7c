"""The payout: the same money, however often, late, in parallel or interrupted it is run (R17)."""

import json
import threading
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from ates.accounting import letters, payout
from ates.accounting.models import CommandRun, Entry, Payout, PayoutLetter
from ates.contracts.accounting import DayClosed, DayPaid
from ates.kernel import clock
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, BIBI, COCO, Office, moment, person, worked_example
from tests.engines.marks import both


@pytest.fixture
def three_nights(office: Office) -> Office:
    """Three days of work with nobody paid: rewards of 31, 39 and 35, and fees."""
    office.reward(ARA, 1, "25 09:00")  # +31
    office.reward(BIBI, 2, "25 10:00")  # +39
    office.fee(ARA, 2, 1, "26 09:00")  # -11
    office.fee(BIBI, 3, 1, "26 10:00")  # -17
    office.reward(ARA, 3, "27 09:00")  # +35
    office.reward(COCO, 4, "27 10:00")  # +35
    return office


def paid(office: Office) -> list[tuple[int, UUID, int]]:
    """Day, person and amount of every payout."""
    rows = [entry for entry in office.entries() if entry.kind == "payout"]
    return sorted((row.business_date.day, row.person_id, -row.amount_cents) for row in rows)


DUE = [(25, ARA, 3100), (25, BIBI, 3900), (27, ARA, 2400), (27, COCO, 3500)]


@both
def test_missed_nights_are_paid_in_order_with_their_debts(three_nights: Office) -> None:
    report = three_nights.run("28 00:10")
    assert [day.day.day for day in report.days] == [25, 26, 27]
    assert paid(three_nights) == DUE
    assert [(day.standing.carried_people, day.standing.carried_cents) for day in report.days] == [
        (0, 0),
        (2, -2800),
        (1, -1700),
    ]
    assert three_nights.balances() == {"Ara": 0, "Bibi": -1700, "Coco": 0}


@both
def test_night_by_night_pays_the_same(three_nights: Office) -> None:
    for night in ("26 00:10", "27 03:00", "28 09:00"):
        three_nights.run(night)
    assert paid(three_nights) == DUE


@both
def test_twice_pays_once(three_nights: Office, said: list[Any]) -> None:
    three_nights.run("28 00:10")
    entries = three_nights.entries()
    again = three_nights.run("28 00:10")
    assert (again.exit_code, again.silent) == (0, True)
    assert three_nights.entries() == entries
    assert [type(each) for each in said if isinstance(each, DayClosed | DayPaid)] == [
        *[DayClosed] * 3,
        *[DayPaid] * 3,
    ]


@both
def test_entries_after_midnight_are_neither_paid_early_nor_eat_the_pay(office: Office) -> None:
    office.reward(ARA, 1, "27 09:00")  # 31 due
    office.reward(BIBI, 2, "28 00:01")  # not yet
    office.fee(ARA, 2, 1, "28 00:01")  # not yet
    office.run("28 00:10")
    assert paid(office) == [(27, ARA, 3100)]
    assert office.balances() == {"Ara": -1100, "Bibi": 3900}


def test_zero_and_below_get_neither_payout_nor_letter_and_one_cent_gets_both(
    office: Office,
) -> None:
    office.adjust(ARA, 1, "27 09:00", id=77)
    office.adjust(BIBI, -1, "27 09:00", id=78)
    office.adjust(COCO, 100, "27 09:00", id=79)
    office.adjust(COCO, -100, "27 09:01", id=80)
    office.run("28 00:10")
    assert paid(office) == [(27, ARA, 1)]
    assert len(office.rows(select(PayoutLetter.message_id))) == 1


def test_a_debt_is_carried_until_work_clears_it(office: Office) -> None:
    office.fee(ARA, 1, 1, "25 09:00")  # -20
    office.run("26 00:10")
    office.adjust(ARA, 1999, "26 09:00", id=77)
    office.run("27 00:10")
    assert paid(office) == []
    office.reward(ARA, 1, "27 09:00")
    office.run("28 00:10")
    assert paid(office) == [(27, ARA, 3099)]


# --- interrupted, in parallel ---------------------------------------------------------------------


@both
@pytest.mark.parametrize("batches", [0, 1, 3])
def test_killed_between_batches_the_next_run_goes_on(
    three_nights: Office, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(payout, "BATCH", 1)
    left, pay = [batches], payout._pay

    def dying(*args: Any) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        pay(*args)

    with monkeypatch.context() as killing:
        killing.setattr(payout, "_pay", dying)
        with pytest.raises(KeyboardInterrupt):
            three_nights.run("28 00:10")
    assert len(paid(three_nights)) == batches
    assert three_nights.verify("quick") == []
    three_nights.run("28 00:20")
    assert paid(three_nights) == DUE


@both
def test_killed_around_the_letters_leaves_no_payout_without_one(
    three_nights: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(letters, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            three_nights.run("28 00:10")
    assert paid(three_nights) == []
    three_nights.run("28 00:10")
    assert len(three_nights.rows(select(PayoutLetter.message_id))) == len(DUE)


@both
def test_three_runs_at_once_pay_once(
    office: Office, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payout, "BATCH", 3)
    for number in range(20):
        office.adjust(UUID(int=500 + number), 100 + number, "27 09:00", id=number + 1)
    failures: list[BaseException] = []
    reports: list[Any] = []

    def run() -> None:
        try:
            with app.app_context():
                reports.append(payout.run(office.database, office.books, payout.Limits()))
        except BaseException as error:
            failures.append(error)

    with clock.frozen(moment("28 00:10")):
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert [report.exit_code for report in reports] == [0, 0, 0]
    assert paid(office) == [(27, UUID(int=500 + n), 100 + n) for n in range(20)]
    assert office.verify("new") == []


# --- the dry run, the limits ----------------------------------------------------------------------


@both
def test_a_dry_run_is_the_run_to_the_cent_and_writes_nothing(three_nights: Office) -> None:
    before = _everything(three_nights)
    plan = three_nights.dry_run("28 00:10")
    assert _everything(three_nights) == before
    report = three_nights.run("28 00:10")
    assert [(each.day, each.standing) for each in plan.plan] == [
        (each.day, each.standing) for each in report.days
    ]
    assert plan.exit_code == report.exit_code == 0
    assert three_nights.dry_run("28 00:10").plan == []


def test_a_dry_run_after_a_kill_shows_what_is_left(
    three_nights: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payout, "BATCH", 1)
    three_nights.run("28 00:10", through=date(2025, 3, 25))
    plan = three_nights.dry_run("28 00:10")
    assert [(each.day.day, each.state) for each in plan.plan] == [(26, "open"), (27, "open")]
    assert [each.standing.cents for each in plan.plan] == [0, 5900]


def test_through_neither_closes_nor_pays_later_days(three_nights: Office) -> None:
    three_nights.run("28 00:10", through=date(2025, 3, 25))
    assert [three_nights.days()[day].state for day in (25, 26, 27)] == ["paid", "open", "open"]
    three_nights.run("28 00:10")
    assert paid(three_nights) == DUE


@both
def test_books_that_differ_stop_the_payout(three_nights: Office) -> None:
    unguard(three_nights)
    alter(three_nights, "UPDATE accounting_account SET balance_cents = balance_cents + 1400")
    report = three_nights.run("28 00:10")
    assert report.exit_code == 1
    assert report.error == "books differ by $42.00; nothing paid"
    assert paid(three_nights) == []
    assert three_nights.dry_run("28 00:10").exit_code == 1


# --- the command ----------------------------------------------------------------------------------


def test_the_command_says_what_it_did_and_is_silent_after(three_nights: Office, app: Flask) -> None:
    three_nights.meet(person(ARA), person(BIBI))
    runner = app.test_cli_runner()
    with clock.frozen(moment("28 00:10")):
        plan = runner.invoke(args=["accounting", "payout", "--dry-run"])
        done = runner.invoke(args=["accounting", "payout"])
        again = runner.invoke(args=["accounting", "payout"])
    assert plan.output.splitlines() == [
        "aTES payout, business day UTC, at 2025-03-28 00:10:00Z. DRY RUN: nothing changes.",
        "Day         Now     Then    People           To pay   Carried over",
        "2025-03-25  open    paid         2           $70.00   0   $0.00",
        "2025-03-26  open    paid         0            $0.00   2   -$28.00",
        "2025-03-27  open    paid         2           $59.00   1   -$17.00",
        "Books balance (quick check). To pay: $129.00 in 4 payouts.",
    ]
    assert done.output.splitlines() == [
        "2025-03-25 paid: 2 people, $70.00; carried over 0, $0.00; letters queued 2",
        "2025-03-26 paid: 0 people, $0.00; carried over 2, -$28.00; letters queued 0",
        "2025-03-27 paid: 2 people, $59.00; carried over 1, -$17.00; letters queued 1,"
        " without address 1",
        "Nothing left to do.",
    ]
    assert (again.output, again.exit_code) == ("", 0)
    runs = three_nights.rows(select(CommandRun.__table__).order_by(CommandRun.id))
    assert [(run.command, run.exit_code) for run in runs] == [("payout", 0), ("payout", 0)]
    assert json.loads(runs[0].report)["days"][0]["payout_cents"] == 7000


def test_the_command_speaks_json(three_nights: Office, app: Flask) -> None:
    with clock.frozen(moment("28 00:10")):
        done = app.test_cli_runner().invoke(args=["accounting", "payout", "--json"])
    report = json.loads(done.output)
    assert [day["payout_cents"] for day in report["days"]] == [7000, 0, 5900]
    assert report["exit_code"] == done.exit_code == 0


@pytest.mark.parametrize(
    "args", [["--through", "yesterday"], ["--catch-up", "0"], ["--on", "2025-03-27"]]
)
def test_a_wrong_option_is_clicks_own_exit_code(app: Flask, args: list[str]) -> None:
    assert app.test_cli_runner().invoke(args=["accounting", "payout", *args]).exit_code == 2


def test_what_differs_is_said_on_stderr_with_exit_code_1(three_nights: Office, app: Flask) -> None:
    unguard(three_nights)
    alter(
        three_nights,
        "UPDATE accounting_day_total SET amount_cents = amount_cents - 1400"
        " WHERE business_date = '2025-03-26'",
    )
    with clock.frozen(moment("28 00:10")):
        done = app.test_cli_runner().invoke(args=["accounting", "payout"])
    assert done.exit_code == 1
    first = done.stderr.splitlines()[0]
    assert first == (
        "2025-03-28T00:10:00Z payout: books differ by $14.00, entries 3-4; nothing paid"
    )


def test_nothing_happens_before_the_first_fact(office: Office) -> None:
    assert office.run("28 00:10").silent
    assert office.dry_run("28 00:10").exit_code == 0
    assert office.days() == {}


def _everything(office: Office) -> list[Any]:
    models = (Entry, Payout, PayoutLetter, CommandRun)
    return [office.days(), *(office.rows(select(model.__table__)) for model in models)]


def test_worked_example_survives_any_number_of_runs(office: Office) -> None:
    list(worked_example(office))
    for minute in range(3):
        office.run(f"30 00:1{minute}")
    assert paid(office) == [(27, BIBI, 2800), (28, ARA, 645), (29, COCO, 1200)]
