"""Any holds and releases among any nights: whoever is not paid is held, and the proof agrees."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting import payout
from ates.accounting.keyring import Books
from ates.accounting.models import Hold
from ates.accounting.posting import Posting
from ates.accounting.service import holds
from ates.app import create_app
from ates.kernel import clock
from ates.kernel.errors import Refusal
from tests.accounting.make import BOOKS_KEYS, Office, approve, books
from tests.engines import sqlite
from tests.engines.settings import trial

PEOPLE = [UUID(int=0xA0 + number) for number in range(4)]
KEEPERS = [UUID(int=0xC0 + number) for number in range(2)]
START = datetime(2025, 3, 3, 20, tzinfo=UTC)
WHY = "the bank asked us to wait"


class Nights(RuleBasedStateMachine):
    """Corrections bring money; days pass; two people hold and release."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ates-holds-"))
        url = sqlite.copy(self.folder / "ates.sqlite3")
        self.app: Flask = create_app(trial(self.folder, url, books_keys=BOOKS_KEYS))
        self.office = Office(self.app.extensions["ates.database"], books())
        self.now, self.posted = START, 0
        for who in PEOPLE:
            self.earn(who, 1000)

    def teardown(self) -> None:
        if hasattr(self, "office"):
            with self._running():
                assert self._wrong() == []
            self.office.database.close()
            shutil.rmtree(self.folder)

    @rule(who=st.sampled_from(PEOPLE), cents=st.integers(-3000, 3000).filter(bool))
    def earn(self, who: UUID, cents: int) -> None:
        self.posted += 1
        with self._running(), self.office.database.transaction() as session:
            posting = Posting(session, self.office.books)
            posting.adjust(UUID(int=7_000 + self.posted), to=who, amount_cents=cents)
            posting.flush()
            approve(session, posting)

    @rule(minutes=st.sampled_from([-120, 1, 600, 1500]))
    def wait(self, minutes: int) -> None:
        """Also backwards: what `verify` tells from moments must not hang on the clock."""
        self.now += timedelta(minutes=minutes, microseconds=1)

    @rule(by=st.sampled_from(KEEPERS), who=st.sampled_from(PEOPLE))
    def freeze(self, by: UUID, who: UUID) -> None:
        self._decide(holds.hold_account, who, reason=WHY, by=by)

    @rule(by=st.sampled_from(KEEPERS), ahead=st.integers(0, 2))
    def hold_a_day(self, by: UUID, ahead: int) -> None:
        unpaid = [row.business_date for row in self.office.day_rows() if row.state != "paid"]
        self._decide(holds.hold_day, unpaid[min(ahead, len(unpaid) - 1)], reason=WHY, by=by)

    @rule(by=st.sampled_from(KEEPERS))
    def hold_everything(self, by: UUID) -> None:
        self._decide(holds.hold_everything, reason=WHY, by=by)

    @precondition(lambda self: self._active())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self._active()))
        for by in KEEPERS:
            self._decide(holds.release, hold.id, by=by)
        assert hold.id not in {each.id for each in self._active()}

    @rule(size=st.sampled_from([1, 2, 500]), kills=st.sampled_from([0, 1, 99, 99]))
    def night(self, size: int, kills: int) -> None:
        """Maybe one that is killed; then whoever is owed something of a paid day was held."""
        held = {each.account_id for each in self._active() if each.account_id is not None}
        stop = [each for each in self._active() if each.account_id is None]
        before = {row.business_date: row.state for row in self.office.day_rows()}
        self._run(size, kills)
        for row in self.office.day_rows():
            if row.state != "paid" or before.get(row.business_date) == "paid":
                continue
            left = {account for account, cents in self._owed(row.business_date) if cents > 0}
            assert left <= held
            assert not any(
                each.business_date is None or each.business_date <= row.business_date
                for each in stop
            )

    def _run(self, size: int, kills: int) -> None:
        pay, usual, left = payout._pay, payout.BATCH, [kills]

        def dying(session: Session, books: Books, day: date, rows: Sequence[Any]) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            pay(session, books, day, rows)

        payout._pay, payout.BATCH = dying, size
        try:
            with self._running():
                payout.run(self.office.database, self.office.books, payout.Limits(catch_up=400))
        except KeyboardInterrupt:
            pass
        finally:
            payout._pay, payout.BATCH = pay, usual

    def _decide(self, what: Any, *about: Any, **more: Any) -> None:
        with self._running():
            try:
                with self.office.database.transaction() as session:
                    what(session, self.office.books, *about, **more)
            except Refusal:
                pass

    def _owed(self, day: date) -> list[tuple[int, int]]:
        owed: dict[int, int] = defaultdict(int)
        for entry in self.office.entries():
            if entry.business_date <= day:
                owed[entry.account_id] += entry.amount_cents
        return list(owed.items())

    def _active(self) -> list[Any]:
        question = select(Hold.__table__).where(Hold.released_at.is_(None)).order_by(Hold.id)
        return self.office.rows(question)

    def _wrong(self) -> list[str]:
        return [each for each in self.office.verify() if "no event of the log" not in each]

    @contextmanager
    def _running(self) -> Iterator[None]:
        with self.app.app_context(), clock.frozen(self.now):
            yield


def test_whoever_is_not_paid_is_held_whatever_is_held_and_released() -> None:
    run_state_machine_as_test(Nights)
