"""Corrections: four eyes, one reversal per entry, booked in the open day (books.md, chapter 9)."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import exc, select, text

from ates.accounting.auditing import audit_of
from ates.accounting.models import Adjustment, Audit, DayTotal
from ates.accounting.service import corrections
from ates.kernel import clock
from ates.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, BIBI, Office, moment, person
from tests.engines.marks import both, only_postgresql

RIO, KLAVDIA, AURORA = (UUID(f"00000000-0000-4000-8000-0000000000b{n}") for n in (1, 2, 3))
REASON = "vet, receipt 118"
NOON = moment("28 12:00")
ENTRIES = 4  # two fees, a reward, a payout


@dataclass
class Accountants:
    """Use cases, each in a transaction of its own."""

    office: Office

    def ask(self, who: UUID, cents: int, by: UUID = RIO, reason: str = REASON) -> UUID:
        return self._do(
            corrections.request_correction, person=who, amount_cents=cents, reason=reason, by=by
        ).id

    def undo(self, entry_no: int, by: UUID = RIO, reason: str = REASON) -> UUID:
        return self._do(corrections.request_reversal, entry_no=entry_no, reason=reason, by=by).id

    def approve(self, which: UUID, by: UUID = KLAVDIA) -> Adjustment:
        return self._do(corrections.approve_correction, which, by=by)

    def reject(self, which: UUID, by: UUID = KLAVDIA) -> Adjustment:
        return self._do(corrections.reject_correction, which, by=by)

    def state_of(self, which: UUID) -> str:
        state: str = self.office.scalar(select(Adjustment.state).where(Adjustment.id == which))
        return state

    def proof(self) -> list[str]:
        """Differences of the books, whose facts here came past the log."""
        past = ("no event of the log", "were said")
        return [each for each in self.office.verify() if not any(word in each for word in past)]

    def _do(self, use_case: Callable[..., Adjustment], *args: Any, **values: Any) -> Adjustment:
        with self.office.database.transaction() as session:
            return use_case(session, self.office.books, *args, **values)


@pytest.fixture
def desk(office: Office) -> Iterator[Accountants]:
    """It is noon of the 28th: Ara has -20.00, Bibi was paid 28.00 for the 27th."""
    office.meet(person(RIO, name="Rio", role="accountant"), person(KLAVDIA, name="Klavdia"))
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(BIBI, 2, 1, "27 09:05")
    office.reward(BIBI, 2, "27 16:00")
    office.run("28 00:10")
    with clock.frozen(NOON):
        yield Accountants(office)


@contextmanager
def refused(kind: type[Refusal], sentence: str) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value) == sentence


# --- asking ---------------------------------------------------------------------------------------


@both
def test_a_request_moves_no_money(desk: Accountants) -> None:
    before = desk.office.balances()
    asked = desk.ask(ARA, 245)
    (row,) = desk.office.rows(select(Adjustment.__table__))
    assert (row.id, row.state, row.amount_cents, row.reason) == (asked, "requested", 245, REASON)
    assert (row.requested_by, row.requested_at) == (RIO, NOON)
    assert (row.decided_by, row.decided_at, row.entry_no) == (None, None, None)
    assert desk.office.balances() == before
    assert desk.proof() == []


def test_an_amount_is_not_zero_and_within_ten_thousand_dollars(desk: Accountants) -> None:
    for cents in (0, 1_000_001, -1_000_001):
        with pytest.raises(Invalid, match="Write an amount other than zero"):
            desk.ask(ARA, cents)
    for cents in (1, -1, 1_000_000, -1_000_000):
        assert desk.approve(desk.ask(ARA, cents)).amount_cents == cents


def test_a_reason_has_ten_to_five_hundred_characters(desk: Accountants) -> None:
    for reason in ("", "too short", "  too short  ", "x" * 501):
        for ask in (partial(desk.ask, ARA, 1), partial(desk.undo, 1)):
            with refused(Invalid, "Write the reason in 10 to 500 characters."):
                ask(reason=reason)
    for reason in ("x" * 10, "я" * 500):
        desk.ask(ARA, 1, reason=f" {reason} ")
        assert desk.office.rows(select(Adjustment).where(Adjustment.reason == reason))


def test_nobody_asks_for_the_own_account(desk: Accountants) -> None:
    with refused(Forbidden, "This is your own account."):
        desk.ask(ARA, 245, by=ARA)
    with refused(Forbidden, "This is your own account."):
        desk.undo(1, by=ARA)


def test_who_and_what_is_not_in_the_books_is_not_corrected(desk: Accountants) -> None:
    with refused(NotFound, "Nothing was ever booked for this person."):
        desk.ask(AURORA, 245)
    with refused(NotFound, "There is no entry with this number."):
        desk.undo(99)
    for decide in (desk.approve, desk.reject):
        with refused(NotFound, "There is no such correction."):
            decide(UUID(int=7))


# --- reversals ------------------------------------------------------------------------------------


@both
def test_a_reversal_is_minus_the_amount_of_its_entry(desk: Accountants) -> None:
    """Of a fee, of a reward, and of the correction that undid the fee."""
    for entry_no, cents, who in ((1, 2000, ARA), (3, -3900, BIBI), (5, -2000, ARA)):
        done = desk.approve(desk.undo(entry_no))
        entry = desk.office.entries()[-1]
        assert (done.entry_no, done.reverses_entry_no) == (entry.entry_no, entry_no)
        assert (entry.kind, entry.amount_cents, entry.person_id) == ("adjustment", cents, who)
    assert desk.proof() == []


@both
def test_an_entry_is_reversed_once(desk: Accountants) -> None:
    """While the first request waits, and after it was approved; a rejected one does not count."""
    desk.reject(desk.undo(1))
    asked = desk.undo(1)
    for by in (RIO, KLAVDIA):
        with refused(Conflict, "Entry 1 is already corrected."):
            desk.undo(1, by=by)
    desk.approve(asked)
    with refused(Conflict, "Entry 1 is already corrected."):
        desk.undo(1)


def test_a_payout_is_not_reversed(desk: Accountants) -> None:
    with refused(Conflict, "A payout is not reversed: request an amount."):
        desk.undo(4)


def test_a_reversal_can_be_tied_to_the_person_it_is_meant_for(desk: Accountants) -> None:
    with (
        refused(Conflict, "Entry 1 is another person's."),
        desk.office.database.transaction() as session,
    ):
        corrections.request_reversal(
            session, desk.office.books, entry_no=1, person=BIBI, reason=REASON, by=RIO
        )


def test_a_reversed_reward_that_was_paid_is_taken_from_what_comes(desk: Accountants) -> None:
    """Case 36: once; the payout stays, and the account owes what was sent."""
    desk.approve(desk.undo(3))
    assert desk.office.balances()["Bibi"] == -3900
    with refused(Conflict, "Entry 3 is already corrected."):
        desk.undo(3)
    desk.office.reward(BIBI, 1, "28 13:00")
    desk.office.run("29 00:10")
    assert desk.office.balances()["Bibi"] == -3900 + 3100, "still below zero: no payout"
    assert desk.proof() == []


# --- approving ------------------------------------------------------------------------------------


@both
def test_approval_books_it_in_the_open_day_at_that_moment(desk: Accountants) -> None:
    """Case 35: the day of what it corrects is paid and stays as it was."""
    asked = desk.undo(1)
    with clock.frozen(moment("28 12:34")):
        done = desk.approve(asked)
    entry = desk.office.entries()[-1]
    assert (entry.source_id, entry.source_no, entry.event_id) == (asked, 0, None)
    assert entry.occurred_at == entry.posted_at == moment("28 12:34") == done.decided_at
    assert entry.business_date.day == entry.occurred_on.day == 28
    assert (done.state, done.decided_by, done.entry_no) == ("approved", KLAVDIA, entry.entry_no)
    assert desk.proof() == []


def test_income_stays_as_it_is(desk: Accountants) -> None:
    def sums() -> list[Any]:
        ordinary = DayTotal.kind.in_(("fee", "reward"))
        query = select(DayTotal.business_date, DayTotal.kind, DayTotal.amount_cents)
        return desk.office.rows(query.where(ordinary).order_by(DayTotal.business_date))

    before = sums()
    desk.approve(desk.undo(1))
    desk.approve(desk.ask(BIBI, -700))
    assert sums() == before


def test_the_next_payout_contains_it(desk: Accountants) -> None:
    """Ara's -20.00 and the correction make 0.50 on the 28th."""
    desk.approve(desk.ask(ARA, 2050))
    desk.office.run("29 00:10")
    paid = desk.office.entries()[-1]
    assert (paid.kind, paid.person_id, paid.amount_cents) == ("payout", ARA, -50)


def test_neither_who_asked_nor_the_owner_decides(desk: Accountants) -> None:
    asked = desk.ask(ARA, 245)
    for decide in (desk.approve, desk.reject):
        with refused(Forbidden, "You asked for it; somebody else decides."):
            decide(asked, by=RIO)
        with refused(Forbidden, "This is your own account."):
            decide(asked, by=ARA)
    assert desk.state_of(asked) == "requested"


@both
def test_twice_by_the_same_person_is_harmless(desk: Accountants) -> None:
    asked, other = desk.ask(ARA, 245), desk.ask(ARA, 100)
    first, again = desk.approve(asked), desk.approve(asked)
    assert (first.entry_no, first.decided_at) == (again.entry_no, again.decided_at)
    assert desk.reject(other).state == desk.reject(other).state == "rejected"
    assert len(desk.office.entries()) == ENTRIES + 1
    assert len(desk.office.rows(select(Audit.number))) == 4


def test_what_is_decided_is_not_decided_again(desk: Accountants) -> None:
    done, left = desk.ask(ARA, 245), desk.ask(ARA, 100)
    desk.approve(done)
    desk.reject(left)
    for decide in (desk.approve, desk.reject):
        with refused(Conflict, "Klavdia has approved it already."):
            decide(done, by=AURORA)
        with refused(Conflict, "Klavdia has rejected it already."):
            decide(left, by=AURORA)
    with refused(Conflict, "Klavdia has approved it already."):
        desk.reject(done, by=KLAVDIA)


@both
def test_a_failed_approval_leaves_no_trace(
    desk: Accountants, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entry, state and audit row are one transaction."""
    asked = desk.ask(ARA, 245)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the power fails")

    with monkeypatch.context() as patch:
        patch.setattr(corrections, "_record", broken)
        with pytest.raises(RuntimeError):
            desk.approve(asked)
    assert len(desk.office.entries()) == ENTRIES
    assert len(desk.office.rows(select(Audit.number))) == 1
    assert desk.state_of(asked) == "requested"
    desk.approve(asked)
    assert desk.proof() == []


@both
def test_even_a_bug_lets_nobody_approve_the_own_request(
    desk: Accountants, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approver = requester: if the rule were forgotten in the code, the database would refuse."""
    asked = desk.ask(ARA, 245)
    monkeypatch.setattr(corrections, "against_decision", lambda **_: None)
    with pytest.raises(exc.DBAPIError, match="four_eyes"):
        desk.approve(asked, by=RIO)
    assert desk.state_of(asked) == "requested"
    assert len(desk.office.entries()) == ENTRIES


# --- races ----------------------------------------------------------------------------------------


@only_postgresql
def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(desk: Accountants) -> None:
    booked = 0
    for second in (desk.approve, desk.reject):
        asked = desk.ask(ARA, 245)
        won, lost = together(partial(desk.approve, asked), partial(second, asked, by=AURORA))
        assert len(won) == len(lost) == 1
        assert "already." in str(lost[0])
        booked += won[0].state == "approved"
    assert len(desk.office.entries()) == ENTRIES + booked
    assert desk.proof() == []


@only_postgresql
def test_of_two_who_ask_for_one_reversal_at_once_one_is_told(desk: Accountants) -> None:
    won, lost = together(partial(desk.undo, 1, by=RIO), partial(desk.undo, 1, by=KLAVDIA))
    assert len(won) == 1
    assert [str(error) for error in lost] == ["Entry 1 is already corrected."]


def together(*acts: Callable[[], Any]) -> tuple[list[Any], list[Conflict]]:
    """What came of acts that begin at one moment: results and refusals."""
    start = threading.Barrier(len(acts))
    won: list[Any] = []
    lost: list[Conflict] = []

    def run(act: Callable[[], Any]) -> None:
        start.wait()
        try:
            won.append(act())
        except Conflict as error:
            lost.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, lost


# --- the record -----------------------------------------------------------------------------------


@both
def test_every_act_has_its_row_in_the_audit_log(desk: Accountants) -> None:
    asked, other = desk.undo(1), desk.ask(BIBI, 100)
    done = desk.approve(asked)
    desk.reject(other)
    rows = [row[0] for row in desk.office.rows(select(Audit).order_by(Audit.number))]
    assert [(row.act, row.object, row.actor) for row in rows] == [
        ("correction.request", f"correction {asked}", RIO),
        ("correction.request", f"correction {other}", RIO),
        ("correction.approve", f"correction {asked}", KLAVDIA),
        ("correction.reject", f"correction {other}", KLAVDIA),
    ]
    assert {row.reason for row in rows} == {REASON}
    assert f'"entry": {done.entry_no}' in rows[2].after
    assert rows[2].before == '{"state": "requested"}'
    assert "Ara" not in rows[2].after, "ids, never names"
    with desk.office.database.reading() as session:
        assert list(audit_of(desk.office.books).differences(session)) == []


@pytest.mark.parametrize(
    ("deed", "place"),
    [
        ("UPDATE accounting_audit SET reason = 'another reason' WHERE number = 1", "audit row 1"),
        ("DELETE FROM accounting_audit WHERE number = 1", "audit row 2 follows 0"),
        ("DELETE FROM accounting_audit WHERE number = 2", "the audit log ends with row 1"),
        ("UPDATE accounting_adjustment SET amount_cents = 246", "is not what was booked for it"),
        ("UPDATE accounting_adjustment SET entry_no = 4", "is not what was booked for it"),
    ],
)
def test_the_proof_names_what_was_tampered_with(desk: Accountants, deed: str, place: str) -> None:
    desk.approve(desk.ask(ARA, 245))
    assert desk.proof() == []
    unguard(desk.office)
    alter(desk.office, deed)
    assert any(place in each for each in desk.proof())


# --- what the database refuses by itself ----------------------------------------------------------

TABLE, THIS = "accounting_adjustment", " WHERE id = :id"
AT = "2025-03-28T12:00:00.000000+00:00"
ROW = f"""
INSERT INTO {TABLE} (id, account_id, amount_cents, reason, state, requested_by,
    requested_at, decided_by, decided_at, entry_no, reverses_entry_no)
VALUES (:id, 1, :cents, :reason, :state, :by, :at, :decider, :decided, :entry, :reverses)
"""
HONEST: dict[str, Any] = {
    **{"id": str(UUID(int=1)), "cents": 1, "reason": REASON, "state": "requested", "by": str(RIO)},
    **{"at": AT, "decider": None, "decided": None, "entry": None, "reverses": None},
}
WRONG: list[dict[str, Any]] = [
    {"cents": 0},
    {"cents": 1_000_001},
    {"cents": -1_000_001},
    {"reason": "too short"},
    {"reason": "x" * 501},
    {"state": "perhaps"},
    {"state": "approved"},
    {"decider": str(KLAVDIA), "decided": AT},
    {"state": "rejected", "decider": str(RIO), "decided": AT},  # four eyes
    {"reverses": 99},
    {"reverses": 1},  # a second reversal
]


def by_hand(desk: Accountants, statement: str, **values: Any) -> None:
    with desk.office.database.transaction() as session:
        every, names = HONEST | values, re.findall(r" \(?:(\w+)", statement)
        session.execute(text(statement), {name: every[name] for name in names})


@both
def test_the_database_takes_no_wrong_correction(desk: Accountants) -> None:
    desk.undo(1)
    for wrong in WRONG:
        with pytest.raises(exc.DBAPIError):
            by_hand(desk, ROW, **wrong)
    by_hand(desk, ROW)  # an honest one is taken


@both
def test_the_database_keeps_what_is_decided(desk: Accountants) -> None:
    done, left, waits = desk.ask(ARA, 245), desk.ask(ARA, 100), desk.ask(ARA, 50)
    desk.approve(done)
    desk.reject(left)
    for column in ("state", "decided_by", "decided_at", "entry_no", "reason", "amount_cents"):
        for each in (done, left):
            with pytest.raises(exc.DBAPIError, match="what is decided stays"):
                by_hand(desk, f"UPDATE {TABLE} SET {column} = {column}{THIS}", id=str(each))
    for change in ("amount_cents = 51", "reason = 'another reason'", "account_id = 2"):
        with pytest.raises(exc.DBAPIError, match="what is decided stays"):
            by_hand(desk, f"UPDATE {TABLE} SET {change}{THIS}", id=str(waits))
    for deed in (f"DELETE FROM {TABLE}{THIS}", "UPDATE accounting_audit SET reason = reason"):
        with pytest.raises(exc.DBAPIError, match="is refused"):
            by_hand(desk, deed, id=str(waits))


def test_the_database_replaces_no_correction(desk: Accountants) -> None:
    desk.ask(ARA, 245)
    for table in (TABLE, "accounting_audit"):
        with pytest.raises(exc.DBAPIError, match="is refused"):
            by_hand(desk, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
