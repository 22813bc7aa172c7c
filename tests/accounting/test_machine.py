"""A state machine of the books: any facts in any order, batch and delivery; nights as they come."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting import payout
from ates.accounting.keyring import Books
from ates.accounting.models import DayTotal, Entry
from ates.accounting.posting import Posting
from ates.app import create_app
from ates.contracts.accounting import Kind
from ates.kernel import clock
from ates.kernel.errors import Hopeless
from tests.accounting.make import BOOKS_KEYS, Office, approve, books, said, task
from tests.engines import sqlite
from tests.engines.settings import trial

PEOPLE = [UUID(int=0xA0 + number) for number in range(4)]
ZONES = ("UTC", "Europe/Berlin", "Asia/Beirut", "Pacific/Apia")
START = datetime(2025, 3, 28, 20, tzinfo=UTC)  # a day before clocks change in two of the zones

Fact = tuple[Kind, int, int, UUID, datetime]  # kind, task, number, person, moment


class Ledger(RuleBasedStateMachine):
    """The model: facts as tasks would say them, and who is owed what by plain summing."""

    @initialize(zone=st.sampled_from(ZONES))
    def open(self, zone: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ates-books-"))
        url = sqlite.copy(self.folder / "ates.sqlite3")
        self.app: Flask = create_app(trial(self.folder, url, books_keys=BOOKS_KEYS))
        self.office = Office(self.app.extensions["ates.database"], books(zone))
        self.now = START
        self.undelivered: list[Fact] = []
        self.delivered: dict[tuple[Kind, int, int], Fact] = {}
        self.assignments: dict[int, int] = defaultdict(int)
        self.holders: dict[int, UUID] = {}
        self.done: set[int] = set()
        self.adjusted = 0
        self.frozen_income: dict[object, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "office"):
            with self.running():
                assert self.office.verify("new") == []
            self.office.database.close()
            shutil.rmtree(self.folder)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.app.app_context(), clock.frozen(self.now):
            yield

    # --- what tasks says ----------------------------------------------------------------------

    @rule(number=st.integers(1, 6), who=st.sampled_from(PEOPLE))
    def assign(self, number: int, who: UUID) -> None:
        if number in self.done:
            return
        self.assignments[number] += 1
        self.holders[number] = who
        self.undelivered.append(("fee", number, self.assignments[number], who, self.now))

    @precondition(lambda self: set(self.holders) - self.done)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(set(self.holders) - self.done)))
        self.done.add(number)
        self.undelivered.append(("reward", number, 0, self.holders[number], self.now))

    # --- how it arrives -----------------------------------------------------------------------

    @precondition(lambda self: self.undelivered)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Some of what waits, in any order, with some of what was delivered before."""
        batch = data.draw(st.permutations(self.undelivered))[: data.draw(st.integers(1, 8))]
        again = data.draw(st.lists(st.sampled_from([*self.delivered.values(), *batch]), max_size=4))
        self._post([*batch, *again, *batch[:1]])
        for fact in batch:
            self.undelivered.remove(fact)
            self.delivered[fact[:3]] = fact

    @precondition(lambda self: self.delivered)
    @rule(data=st.data(), later=st.booleans())
    def contradict(self, data: st.DataObject, later: bool) -> None:
        """One key with another person or moment is refused and leaves no trace."""
        kind, number, draw, who, at = data.draw(st.sampled_from([*self.delivered.values()]))
        other = PEOPLE[(PEOPLE.index(who) + 1) % len(PEOPLE)]
        moment = at - timedelta(microseconds=later)
        lie: Fact = (kind, number, draw, who if later else other, moment)
        before = len(self._entries())
        with pytest.raises(Hopeless):
            self._post([lie, ("fee", 99, 1, who, at)])
        assert len(self._entries()) == before

    @rule(who=st.sampled_from(PEOPLE), cents=st.integers(-3000, 3000).filter(bool))
    def adjust(self, who: UUID, cents: int) -> None:
        self.adjusted += 1
        with self.running(), self.office.database.transaction() as session:
            posting = Posting(session, self.office.books)
            posting.adjust(UUID(int=7_000_000 + self.adjusted), to=who, amount_cents=cents)
            posting.flush()
            approve(session, posting)

    # --- nights -------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 45, 600, 1500, 4380]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes, microseconds=1)

    @rule(minutes=st.sampled_from([1, 120]))
    def clock_back(self, minutes: int) -> None:
        self.now -= timedelta(minutes=minutes)

    @rule(size=st.sampled_from([1, 2, 500]))
    def night(self, size: int) -> None:
        """A run; what it was going to do, it does to the cent."""
        with self.running():
            limits, before = payout.Limits(catch_up=400), len(self._entries())
            with self.office.database.reading() as session:
                plan = payout.dry_run(session, self.office.books, limits)
            usual, payout.BATCH = payout.BATCH, size
            try:
                report = payout.run(self.office.database, self.office.books, limits)
            finally:
                payout.BATCH = usual
            paid: dict[date, int] = defaultdict(int)
            for entry in self._entries()[before:]:
                paid[entry.business_date] -= entry.amount_cents
            planned = {each.day: each.standing.cents for each in plan.plan}
            assert {day: cents for day, cents in planned.items() if cents} == paid
            assert report.exit_code == 0

    @rule(kills=st.integers(0, 2))
    def killed_night(self, kills: int) -> None:
        """The machine dies in the middle of paying."""
        pay, left = payout._pay, [kills]

        def dying(session: Session, books: Books, day: date, rows: Sequence[Any]) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            pay(session, books, day, rows)

        payout._pay, payout.BATCH = dying, 1
        try:
            with self.running():
                payout.run(self.office.database, self.office.books, payout.Limits(catch_up=400))
        except KeyboardInterrupt:
            pass
        finally:
            payout._pay, payout.BATCH = pay, 500

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def sums_agree(self) -> None:
        """P1 and P2, by the books' own quick check and by plain summing."""
        if not hasattr(self, "office"):
            return
        with self.running():
            assert self.office.verify("quick") == []
        entries = self._entries()
        assert [entry.entry_no for entry in entries] == list(range(1, len(entries) + 1))
        balances: dict[int, int] = defaultdict(int)
        for entry in entries:
            balances[entry.account_id] += entry.amount_cents
            assert entry.balance_cents == balances[entry.account_id]

    @invariant()
    def each_fact_once(self) -> None:
        """P4: one entry per fact that was delivered, whatever else came again."""
        if not hasattr(self, "office"):
            return
        posted = sorted(
            (entry.kind, entry.source_id, entry.source_no)
            for entry in self._entries()
            if entry.kind in ("fee", "reward")
        )
        assert posted == sorted((kind, task(n), no) for kind, n, no in self.delivered)

    @invariant()
    def the_past_is_frozen(self) -> None:
        """P9: the income of a closed day never changes."""
        if not hasattr(self, "office"):
            return
        rows = self.office.rows(
            select(DayTotal.business_date, DayTotal.kind, DayTotal.amount_cents)
        )
        income: dict[object, int] = defaultdict(int)
        for row in rows:
            if row.kind in ("fee", "reward"):
                income[row.business_date] -= row.amount_cents
        states = {row.business_date: row.state for row in self.office.day_rows()}
        for day, state in states.items():
            if state != "open":
                assert self.frozen_income.setdefault(day, income[day]) == income[day]

    @invariant()
    def paid_is_what_was_owed_as_of_the_day(self) -> None:
        """C6 and C7, by plain summing: the balance as of the day, no more and no less."""
        if not hasattr(self, "office"):
            return
        entries = self._entries()
        for row in self.office.day_rows():
            owed: dict[int, int] = defaultdict(int)
            paid: dict[int, int] = defaultdict(int)
            for entry in entries:
                if entry.kind == "payout" and entry.business_date == row.business_date:
                    paid[entry.account_id] -= entry.amount_cents
                elif entry.business_date <= row.business_date:
                    owed[entry.account_id] += entry.amount_cents
            due = {account: cents for account, cents in owed.items() if cents > 0}
            if row.state == "paid":
                assert paid == due
            assert all(due[account] == cents for account, cents in paid.items())

    def _post(self, facts: list[Fact]) -> None:
        with self.running(), self.office.database.transaction() as session:
            posting = Posting(session, self.office.books)
            self.now = max(self.now, *(at - timedelta(minutes=4) for *_, at in facts))
            with clock.frozen(self.now):
                for kind, number, draw, who, at in facts:
                    self.office.events += 1
                    cause = said(at, self.office.events)
                    if kind == "fee":
                        posting.fee(task(number), draw, to=who, cause=cause)
                    else:
                        posting.reward(task(number), to=who, cause=cause)
                posting.flush()

    def _entries(self) -> list[Entry]:
        return self.office.rows(select(Entry.__table__).order_by(Entry.entry_no))


def test_the_books_hold_whatever_happens() -> None:
    run_state_machine_as_test(Ledger)
