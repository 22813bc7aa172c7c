"""Holds: what is held is not paid, nothing else stops, and another person releases (chapter 9)."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ates.accounting import gate, holds, payout
from ates.accounting.auditing import audit_of
from ates.accounting.holds import Target
from ates.accounting.models import Audit, Hold, PayoutLetter
from ates.accounting.service import holds as service
from ates.kernel import clock
from ates.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, BIBI, COCO, Office, moment, person
from tests.accounting.test_payout import DUE, paid
from tests.engines.marks import both

RIO, KLAVDIA = UUID(int=0xC1), UUID(int=0xC2)  # they keep the books
WHY = "the bank asked us to wait"
LATER = "28 00:10"


@pytest.fixture
def three_nights(office: Office) -> Office:
    """Three days of work with nobody paid; what is due without holds is `DUE`."""
    office.reward(ARA, 1, "25 09:00")  # +31
    office.reward(BIBI, 2, "25 10:00")  # +39
    office.fee(ARA, 2, 1, "26 09:00")  # -11
    office.fee(BIBI, 3, 1, "26 10:00")  # -17
    office.reward(ARA, 3, "27 09:00")  # +35
    office.reward(COCO, 4, "27 10:00")  # +35
    return office


def act(office: Office, what: Callable[..., Any], *about: Any, at: str = LATER, **more: Any) -> Any:
    """One use case at one moment."""
    with clock.frozen(moment(at)), office.database.transaction() as session:
        return what(session, office.books, *about, **more)


def hold(office: Office, of: date | UUID | None, *, by: UUID = RIO, at: str = LATER) -> UUID:
    """Hold a day, a person's account, or everything."""
    if of is None:
        made = act(office, service.hold_everything, reason=WHY, by=by, at=at)
    elif isinstance(of, date):
        made = act(office, service.hold_day, of, reason=WHY, by=by, at=at)
    else:
        made = act(office, service.hold_account, of, reason=WHY, by=by, at=at)
    assert isinstance(made, UUID)
    return made


def release(office: Office, hold_id: UUID, *, by: UUID = KLAVDIA, at: str = LATER) -> None:
    act(office, service.release, hold_id, by=by, at=at)


def wrong(office: Office) -> list[str]:
    """What the whole proof finds. The facts of these books came through no log."""
    return [each for each in office.verify() if "no event of the log is behind it" not in each]


def march(day: int) -> date:
    return date(2025, 3, day)


def states(office: Office) -> list[str]:
    return [row.state for row in office.day_rows() if row.business_date.day < 28]


# --- a day ----------------------------------------------------------------------------------------


@both
def test_a_held_day_and_the_later_ones_wait_and_closing_goes_on(three_nights: Office) -> None:
    held = hold(three_nights, march(26), at="26 12:00")
    report = three_nights.run(LATER)
    assert states(three_nights) == ["paid", "closed", "closed"]
    assert paid(three_nights) == DUE[:2]
    assert report.exit_code == 3
    (wait,) = report.waits
    assert (wait.day, wait.hold, wait.of, wait.reason) == (march(26), held, "day", WHY)
    release(three_nights, held)
    assert three_nights.run(LATER).exit_code == 0
    assert paid(three_nights) == DUE
    assert wrong(three_nights) == []


@both
@pytest.mark.parametrize("of", [march(25), None, ARA])
def test_a_hold_that_comes_during_a_run_stops_it_between_two_batches(
    three_nights: Office, monkeypatch: pytest.MonkeyPatch, of: date | UUID | None
) -> None:
    """A hold that was read once for the whole run would come too late."""
    monkeypatch.setattr(payout, "BATCH", 1)
    made: list[UUID] = []

    def progress(day: date, done: int, people: int) -> None:
        if not made:
            made.append(hold(three_nights, of if of is None or isinstance(of, date) else BIBI))

    with clock.frozen(moment(LATER)):
        report = payout.run(three_nights.database, three_nights.books, payout.Limits(), progress)
    if of == ARA:  # Bibi's turn was next
        assert paid(three_nights) == [each for each in DUE if each[1] != BIBI]
        assert report.exit_code == 0
        assert [day.standing.held_cents for day in report.days] == [3900, 2200, 2200]
    else:
        assert paid(three_nights) == DUE[:1]
        assert (report.exit_code, states(three_nights)[0]) == (3, "closed")
    release(three_nights, made[0])
    three_nights.run("28 00:20")
    assert wrong(three_nights) == []


def test_a_paid_day_and_an_unknown_one_cannot_be_held(three_nights: Office) -> None:
    three_nights.run(LATER, through=march(25))
    with pytest.raises(Conflict, match="nothing left to hold"):
        hold(three_nights, march(25))
    with pytest.raises(NotFound):
        hold(three_nights, march(1))
    hold(three_nights, march(26))
    with pytest.raises(Conflict, match="held already"):
        hold(three_nights, march(26))


# --- an account -----------------------------------------------------------------------------------


@both
def test_a_held_account_is_skipped_and_paid_with_the_first_unpaid_day_after_its_release(
    three_nights: Office,
) -> None:
    held = hold(three_nights, ARA, at="25 12:00")
    first = three_nights.run("26 00:10")
    assert (first.exit_code, first.days[0].standing.people) == (0, 1)
    assert (first.days[0].standing.held_people, first.days[0].standing.held_cents) == (1, 3100)
    second = three_nights.run("27 00:10")
    assert second.days[0].standing.held_cents == 2000, "what is left of it after the fee"
    release(three_nights, held, at="27 12:00")
    three_nights.run(LATER)
    assert paid(three_nights) == [(25, BIBI, 3900), (27, ARA, 5500), (27, COCO, 3500)]
    assert three_nights.balances()["Ara"] == 0
    assert wrong(three_nights) == []


@both
def test_released_without_any_work_since_it_is_paid_with_the_next_day_all_the_same(
    three_nights: Office,
) -> None:
    held = hold(three_nights, COCO, at="27 12:00")
    three_nights.run(LATER)
    assert three_nights.days()[27].state == "paid", "nobody else is left"
    three_nights.fee(ARA, 5, 1, "28 09:00")
    release(three_nights, held, at="28 12:00")
    three_nights.run("29 00:10")
    assert paid(three_nights)[-1] == (28, COCO, 3500)
    assert wrong(three_nights) == []


def test_a_held_debt_is_a_debt_and_counts_as_carried_over(three_nights: Office) -> None:
    three_nights.run("26 00:10")
    hold(three_nights, BIBI, at="26 12:00")
    standing = three_nights.run("27 00:10").days[0].standing
    assert (standing.carried_people, standing.carried_cents) == (2, -2800)
    assert standing.held_people == 0


@both
@pytest.mark.parametrize("of", [ARA, march(26), None])
def test_a_dry_run_is_the_run_to_the_cent_with_holds_too(
    three_nights: Office, of: UUID | date | None
) -> None:
    hold(three_nights, of, at="26 12:00")
    plan = three_nights.dry_run(LATER)
    report = three_nights.run(LATER)
    assert [(each.day, each.standing) for each in plan.plan] == [
        (each.day, each.standing) for each in report.days
    ]
    assert plan.waits == report.waits
    assert plan.exit_code == report.exit_code == (0 if of == ARA else 3)


# --- everything -----------------------------------------------------------------------------------


@both
def test_everything_held_pays_nobody_sends_nothing_and_posting_goes_on(
    three_nights: Office,
) -> None:
    three_nights.meet(person(ARA), person(BIBI))
    three_nights.run("26 00:10")
    held = hold(three_nights, None, at="26 00:11")
    report = three_nights.run(LATER)
    assert (report.exit_code, states(three_nights)) == (3, ["paid", "closed", "closed"])
    assert [(wait.day, wait.of) for wait in report.waits] == [(march(26), "everything")]
    three_nights.fee(ARA, 6, 1, "28 09:00")
    with three_nights.database.reading() as session:
        assert gate.BOX.held(session)
    release(three_nights, held, at="28 10:00")
    with three_nights.database.reading() as session:
        assert not gate.BOX.held(session)
    three_nights.run("28 10:10")
    assert paid(three_nights) == DUE


# --- who may --------------------------------------------------------------------------------------


@both
def test_another_person_releases(three_nights: Office) -> None:
    held = hold(three_nights, march(25), by=RIO)
    with pytest.raises(Forbidden, match="You set the hold; another person"):
        release(three_nights, held, by=RIO)
    release(three_nights, held, by=KLAVDIA)
    release(three_nights, held, by=RIO)  # it is over: nothing happens
    row = three_nights.rows(select(Hold.__table__))[0]
    assert (row.held_by, row.released_by) == (RIO, KLAVDIA)


def test_nobody_releases_the_own_account(three_nights: Office) -> None:
    held = hold(three_nights, ARA, by=RIO)
    with pytest.raises(Forbidden, match="your own account"):
        release(three_nights, held, by=ARA)


@pytest.mark.parametrize("reason", ["", "too short", "x" * 501, "   too short   "])
def test_a_hold_needs_a_reason(three_nights: Office, reason: str) -> None:
    with pytest.raises(Invalid, match="10 to 500"):
        act(three_nights, service.hold_everything, reason=reason, by=RIO)


def test_what_is_not_there_cannot_be_held_or_released(three_nights: Office) -> None:
    refusals: list[tuple[type[Refusal], Callable[[], Any]]] = [
        (NotFound, lambda: hold(three_nights, KLAVDIA)),
        (NotFound, lambda: release(three_nights, UUID(int=9))),
    ]
    for refusal, attempt in refusals:
        with pytest.raises(refusal):
            attempt()
    hold(three_nights, ARA)
    hold(three_nights, None)
    for again in (ARA, None):
        with pytest.raises(Conflict, match="already"):
            hold(three_nights, again)


@both
def test_each_act_is_in_the_audit_log(three_nights: Office) -> None:
    held = hold(three_nights, ARA, by=RIO)
    release(three_nights, held, by=KLAVDIA)
    rows = three_nights.rows(select(Audit.__table__).order_by(Audit.number))
    assert [(row.act, row.actor, row.reason) for row in rows] == [
        ("hold.set", RIO, WHY),
        ("hold.release", KLAVDIA, None),
    ]
    assert {row.object for row in rows} == {f"hold {held}"}
    assert json.loads(rows[0].after)["account"] == 1
    with three_nights.database.reading() as session:
        assert list(audit_of(three_nights.books).differences(session)) == []


# --- books that differ ----------------------------------------------------------------------------

FORGED = "UPDATE accounting_account SET balance_cents = balance_cents + 1400 WHERE id = 1"
MENDED = "UPDATE accounting_account SET balance_cents = balance_cents - 1400 WHERE id = 1"


def of_everything(office: Office) -> list[Any]:
    return office.rows(select(Hold.__table__).order_by(Hold.id))


@both
def test_books_that_differ_hold_everything_once_until_somebody_releases_them(
    three_nights: Office,
) -> None:
    unguard(three_nights)
    alter(three_nights, FORGED)
    assert three_nights.run(LATER).exit_code == 1
    assert three_nights.run(LATER).exit_code == 1
    (first,) = of_everything(three_nights)
    assert (first.held_by, first.business_date, first.account_id) == (None, None, None)
    assert first.reason == ("The books differ: accounts sum to $126.00, days to $112.00")
    alter(three_nights, MENDED)
    report = three_nights.run(LATER)
    assert (report.exit_code, report.error) == (3, None), "in order again, and still held"
    release(three_nights, first.id, by=RIO)  # nobody set it: whoever keeps the books may
    assert three_nights.run(LATER).exit_code == 0
    assert paid(three_nights) == DUE


def test_a_release_while_the_books_differ_lasts_until_the_next_check(three_nights: Office) -> None:
    unguard(three_nights)
    alter(three_nights, FORGED)
    three_nights.run(LATER)
    (first,) = of_everything(three_nights)
    release(three_nights, first.id)
    assert three_nights.run(LATER).exit_code == 1, "nobody is paid on books that differ"
    second = of_everything(three_nights)[-1]
    assert (second.id == first.id, second.released_at) == (False, None)


@both
@pytest.mark.parametrize("args", [["accounting", "verify"], ["ops", "verify"]])
def test_a_proof_that_finds_a_difference_holds_everything(
    three_nights: Office, app: Flask, args: list[str]
) -> None:
    unguard(three_nights)
    alter(three_nights, "UPDATE accounting_entry SET amount_cents = 3200 WHERE entry_no = 1")
    with clock.frozen(moment(LATER)):
        for _ in range(2):
            assert app.test_cli_runner().invoke(args=args).exit_code == 4
    (found,) = of_everything(three_nights)
    assert "block 1 does not match its hash" in found.reason
    assert found.held_by is None


def test_a_difference_of_another_part_holds_everything_too(
    three_nights: Office, app: Flask
) -> None:
    alter(three_nights, "UPDATE log_head SET position = position + 5")
    with clock.frozen(moment(LATER)):
        assert app.test_cli_runner().invoke(args=["ops", "verify"]).exit_code == 4
    (found,) = of_everything(three_nights)
    assert found.reason.startswith("A check of events found: log ates: its head says")


# --- what the proof sees --------------------------------------------------------------------------

SKIPPED = (
    "UPDATE accounting_day SET state = 'paid', paid_at = '{at}', payouts = 0, payout_cents = 0"
    " WHERE business_date = '2025-03-25'"
)
AT = "2025-03-28 00:10:00.000000"
HELD = (
    "INSERT INTO accounting_hold (id, account_id, reason, held_by, held_at) VALUES"
    " ('00000000-0000-4000-8000-00000000000{n}', {n}, 'nobody said that', '{by}', '{at}')"
)


@both
def test_whoever_was_left_out_without_a_hold_is_found(three_nights: Office) -> None:
    three_nights.run("26 00:00:30")  # neither closed nor paid: the grace
    with clock.frozen(moment("26 00:10")):
        three_nights.run("26 00:10", through=march(24))
    hold(three_nights, march(25), at="26 00:05")
    three_nights.run("26 00:10")
    unguard(three_nights)
    alter(three_nights, SKIPPED.format(at="2025-03-26 00:04:00.000000+00:00"))
    found = wrong(three_nights)
    assert "account 1 was left out as 2025-03-25 was paid, and not held" in found
    assert "account 2 was left out as 2025-03-25 was paid, and not held" in found


@both
def test_a_day_paid_over_a_hold_is_found(three_nights: Office) -> None:
    held = hold(three_nights, march(25), at="25 12:00")
    three_nights.run("26 00:10")
    unguard(three_nights)
    alter(three_nights, SKIPPED.format(at="2025-03-26 00:11:00.000000+00:00"))
    assert f"2025-03-25 was paid over hold {held}" in wrong(three_nights)


@both
@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE accounting_hold SET held_at = '2025-03-20 00:00:00.000000+00:00'",
        "UPDATE accounting_hold SET account_id = 2",
        "UPDATE accounting_hold SET released_at = NULL, released_by = NULL",
        "DELETE FROM accounting_hold",
        "UPDATE accounting_hold SET released_by = held_by, held_by = released_by",
    ],
)
def test_a_forged_hold_is_not_the_one_of_the_audit_log(three_nights: Office, forgery: str) -> None:
    release(three_nights, hold(three_nights, ARA, at="25 12:00"), at="26 12:00")
    assert wrong(three_nights) == []
    unguard(three_nights)
    alter(three_nights, forgery)
    assert any("audit log" in each for each in wrong(three_nights))


def test_a_hold_that_nobody_said_excuses_nothing(three_nights: Office) -> None:
    unguard(three_nights)
    alter(three_nights, HELD.format(n=1, by=RIO, at="2025-03-25 12:00:00.000000"))
    three_nights.run(LATER)
    assert any("is not the one that the audit log has" in each for each in wrong(three_nights))


@both
def test_a_release_by_a_clock_that_went_back_still_comes_after_the_payment(
    three_nights: Office,
) -> None:
    held = hold(three_nights, ARA, at="25 12:00")
    three_nights.run("26 09:00")
    release(three_nights, held, at="26 08:00")
    assert wrong(three_nights) == []
    row = three_nights.rows(select(Hold.__table__))[0]
    assert row.released_at == moment("26 09:00")


@both
def test_holds_are_proven_wherever_the_clock_goes(three_nights: Office) -> None:
    """Held at noon, the clock goes back three hours, then a night is paid, then it is released."""
    three_nights.run("26 00:00:30")
    held = hold(three_nights, ARA, at="26 12:00")
    three_nights.run("26 09:00")
    assert paid(three_nights) == [(25, BIBI, 3900)]
    release(three_nights, held, at="26 08:00")
    assert wrong(three_nights) == []
    day = hold(three_nights, march(26), at="27 12:00")
    release(three_nights, day, at="27 13:00")
    three_nights.run("27 09:00")
    three_nights.run(LATER)
    assert wrong(three_nights) == []
    assert three_nights.balances() == {"Ara": 0, "Bibi": -1700, "Coco": 0}


# --- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def keepers(three_nights: Office) -> Office:
    three_nights.meet(
        person(ARA),
        person(RIO, email="rio@popug.test", name="Rio", role="accountant"),
        person(KLAVDIA, email="klavdia@popug.test", name="Klavdia", role="admin"),
    )
    return three_nights


def say(app: Flask, *words: str) -> Any:
    with clock.frozen(moment(LATER) + timedelta(minutes=len(words))):
        return app.test_cli_runner().invoke(args=["accounting", *words])


BY_RIO = ("--by", "rio@popug.test", "--reason", WHY)


@pytest.mark.parametrize(
    "target", [("--day", "2025-03-25"), ("--person", "Ara@popug.test"), ("--all",)]
)
def test_a_command_holds_and_another_person_releases(
    keepers: Office, app: Flask, target: tuple[str, ...]
) -> None:
    made = say(app, "hold", *target, *BY_RIO, "--json")
    assert made.exit_code == 0, made.output
    hold_id = json.loads(made.output)["id"]
    (line,) = say(app, "holds", "--json").output.splitlines()
    assert json.loads(line)["reason"] == WHY
    own = say(app, "release", hold_id, "--by", "rio@popug.test")
    assert own.exit_code == 1
    assert own.stderr == "Error: You set the hold; another person releases it.\n"
    for _ in range(2):
        done = say(app, "release", hold_id, "--by", "KLAVDIA@popug.test")
        assert done.exit_code == 0, done.output
    assert say(app, "holds").output == ""
    (line,) = say(app, "holds", "--released").output.splitlines()
    assert "by Rio; released 2025-03-28" in line


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("hold", "--all", "--by", "ara@popug.test", "--reason", WHY), 1, "Only active account"),
        (("hold", "--all", "--by", "nobody@popug.test", "--reason", WHY), 1, "knows nobody"),
        (("hold", "--all", "--by", "rio@popug.test", "--reason", "short"), 1, "10 to 500"),
        (("hold", "--day", "2025-03-01", *BY_RIO), 1, "no such day"),
        (("hold", *BY_RIO), 2, "Name one of"),
        (("hold", "--all", "--day", "2025-03-25", *BY_RIO), 2, "Name one of"),
        (("release", "nonsense", "--by", "rio@popug.test"), 2, "not a valid UUID"),
    ],
)
def test_a_command_that_is_refused_says_why(
    keepers: Office, app: Flask, words: tuple[str, ...], code: int, says: str
) -> None:
    done = say(app, *words)
    assert (done.exit_code, says in done.stderr) == (code, True), done.stderr


def test_the_payout_names_what_it_waits_for_and_how_to_let_it_go_on(
    keepers: Office, app: Flask
) -> None:
    frozen = hold(keepers, COCO)
    held = hold(keepers, march(26))
    with clock.frozen(moment(LATER)):
        plan = app.test_cli_runner().invoke(args=["accounting", "payout", "--dry-run"])
        done = app.test_cli_runner().invoke(args=["accounting", "payout"])
    wait = (
        f"2025-03-28T00:10:00Z payout: 2025-03-26 waits, held: {WHY};"
        f" flask accounting release {held}"
    )
    assert (plan.exit_code, done.exit_code) == (3, 3)
    assert (plan.stderr.splitlines(), done.stderr.splitlines()) == ([wait], [wait])
    release(keepers, held)
    with clock.frozen(moment(LATER)):
        done = app.test_cli_runner().invoke(args=["accounting", "payout"])
    assert done.output.splitlines()[-2] == (
        "2025-03-27 paid: 1 person, $24.00; carried over 1, -$17.00; held 1, $35.00;"
        " letters queued 1"
    )
    assert act(keepers, lambda session, _: holds.read(session).accounts) == {3}
    assert frozen is not None
    assert len(keepers.rows(select(PayoutLetter.message_id))) == 3


def test_a_hold_is_of_one_thing(three_nights: Office) -> None:
    """Day and account together are refused by the table itself."""
    with pytest.raises(IntegrityError, match="_one"):
        act(three_nights, holds.put, Target(march(25), 1), reason=WHY, by=RIO)
