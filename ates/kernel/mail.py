"""The sender: empties the letter boxes of all parts, and writes down what came of each letter."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from ates.kernel import clock, db, ids, post
from ates.kernel.db import Database
from ates.kernel.errors import is_outage
from ates.kernel.letters import (
    Letter,
    LetterBox,
    LetterColumns,
    LetterState,
    correlation_index,
    due_index,
    state_check,
)

__all__ = [
    "Letter",
    "LetterBox",
    "LetterColumns",
    "LetterState",
    "Post",
    "again",
    "correlation_index",
    "due_index",
    "give_up",
    "init_app",
    "send_due",
    "state_check",
    "states",
    "wake",
]

log = logging.getLogger(__name__)

AT_ONCE = 10
CLAIM = timedelta(minutes=5)
LONGEST_SEND = timedelta(minutes=3)  # a claim with less time left is given back unsent
GIVE_UP = timedelta(hours=48)
TRIES = 7  # at least, however old a letter is: they take an hour, also of one sent again
DOUBT = timedelta(minutes=15)  # an unknown one is sent again then, with the same Message-ID


Render = Callable[[str, str, Mapping[str, Any]], tuple[str, str]]  # template, locale, values


def init_app(
    app: Flask, boxes: Sequence[LetterBox[Any]], render: Render, carrier: post.Carrier
) -> None:
    """Give the application its letter boxes. Nothing is connected yet."""
    app.extensions["ates.letters"] = Post(tuple(boxes), render, carrier)


def wake(session: Session) -> None:
    """Ring the mail worker after the commit; without it the sweep finds the letter in a second."""
    db.after_commit(session, "mail", lambda: current_app.extensions["ates.bell"].ring(["mail"]))


def send_due(seconds: float = 30, stop: Callable[[], bool] = lambda: False) -> int:
    """Send what is due, of all parts. How many letters were tried."""
    office = cast(Post, current_app.extensions["ates.letters"])
    return office.send_due(seconds, stop)


def states(session: Session, box: LetterBox[Any]) -> dict[str, int]:
    """How many letters of a box are in each state."""
    model = box.model
    rows = session.execute(select(model.state, func.count()).group_by(model.state)).all()
    found = {str(state): count for state, count in rows}
    return {state.value: found[state.value] for state in LetterState if state.value in found}


def again(
    session: Session, box: LetterBox[Any], state: LetterState, *which: ColumnElement[bool]
) -> int:
    """Send failed, or unknown, letters of a box again: the same letters. How many.

    All of them, or those that meet all of `which`, conditions on the columns of the box's table.
    """
    assert state in (LetterState.FAILED, LetterState.UNKNOWN), state
    due = _decide(
        session, box, state, which, state=LetterState.QUEUED, attempts=0, next_try_at=clock.now()
    )
    wake(session)
    return due


def give_up(session: Session, box: LetterBox[Any], *which: ColumnElement[bool]) -> int:
    """Take unknown letters for failed: no more tries, unless somebody sends them again."""
    unknown = LetterState.UNKNOWN
    return _decide(session, box, unknown, which, state=LetterState.FAILED, next_try_at=None)


def _decide(
    session: Session,
    box: LetterBox[Any],
    among: LetterState,
    which: Sequence[ColumnElement[bool]],
    **values: Any,
) -> int:
    done: Any = session.execute(
        update(box.model)
        .where(box.model.state == among, *which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


@dataclass(frozen=True)
class _Claimed:
    """A letter in hand: committed as `sending` before anything is connected."""

    box: LetterBox[Any]
    identity: tuple[Any, ...]
    parcel: post.Parcel
    until: datetime  # afterwards it counts as lost in doubt


@dataclass(frozen=True)
class Post:
    """The sender: claims rows, hands them to the carrier, writes down what came of it."""

    boxes: tuple[LetterBox[Any], ...]
    render: Render
    carrier: post.Carrier

    def send_due(self, seconds: float, stop: Callable[[], bool]) -> int:
        until, tried = clock.monotonic() + seconds, 0
        for box in self.boxes:
            while clock.monotonic() < until and not stop():
                claimed = self.claim(box)
                if not claimed:
                    break
                tried += len(claimed)
                self.deliver(claimed)
        return tried

    def claim(self, box: LetterBox[Any]) -> list[_Claimed]:
        """Take due letters; a claim that ran out means a worker died while sending: in doubt."""
        database = db.database(box.part)
        now, model = clock.now(), box.model
        if not self._any_due(database, model, now):
            return []
        with database.transaction() as session:
            session.execute(
                update(model)
                .where(model.state == LetterState.SENDING, model.claimed_until < now)
                .values(
                    state=LetterState.UNKNOWN,
                    doubts=model.doubts + 1,
                    next_try_at=now + DOUBT,
                    claimed_until=None,
                )
                .execution_options(synchronize_session=False)
            )
            if box.held(session):
                return []
            rows = session.scalars(
                select(model)
                .where(_due(model, now))
                .order_by(model.next_try_at)
                .limit(AT_ONCE)
                .with_for_update(skip_locked=True)
            ).all()
            return [each for row in rows if (each := self._claim_row(session, box, row, now))]

    def deliver(self, claimed: Sequence[_Claimed]) -> None:
        """Send over one connection; each outcome is committed before the next letter."""
        with self.carrier.connection() as line:
            for each in claimed:
                if each.until - clock.now() < LONGEST_SEND:
                    self.give_back(each)
                    continue
                outcome = line.send(each.parcel)
                self.settle(each, outcome)

    def give_back(self, claimed: _Claimed) -> None:
        """Those before it took too long: untouched, it is the next one's, and there is no doubt."""
        with db.database(claimed.box.part).transaction() as session:
            row = session.get(claimed.box.model, claimed.identity, with_for_update=True)
            if row is not None and row.state == LetterState.SENDING:
                row.state, row.claimed_until = LetterState.QUEUED, None
                row.attempts -= 1

    def settle(self, claimed: _Claimed, outcome: post.Outcome) -> None:
        """Write down what came of a letter (the states of books.md, chapter 8)."""
        now = clock.now()
        with db.database(claimed.box.part).transaction() as session:
            row = session.get(claimed.box.model, claimed.identity, with_for_update=True)
            if row is None or row.state != LetterState.SENDING:
                return  # the claim ran out meanwhile: whoever took it over decides
            row.reply, row.claimed_until = outcome.reply[:500], None
            if outcome.verdict is post.Verdict.SENT:
                row.state, row.sent_at, row.next_try_at = LetterState.SENT, now, None
            elif outcome.verdict is post.Verdict.REFUSED:
                row.state, row.next_try_at = LetterState.FAILED, None
            elif outcome.verdict is post.Verdict.DOUBT:
                row.state, row.doubts = LetterState.UNKNOWN, row.doubts + 1
                row.next_try_at = self._after_doubt(row, now)
            else:
                self._later(row, now, outcome.reply)
        _tell(claimed.parcel, outcome)

    def _later(self, row: Any, now: datetime, reply: str) -> None:
        """Try again after one minute to one hour; give up after two days."""
        row.reply = reply[:500]
        if self._tried_enough(row, now):
            row.state, row.next_try_at = LetterState.FAILED, None
        else:
            pause = min(3600.0, 60.0 * 2 ** min(row.attempts - 1, 6) * ids.between(1.0, 1.2))
            row.state, row.next_try_at = LetterState.QUEUED, now + timedelta(seconds=pause)

    def _after_doubt(self, row: Any, now: datetime) -> datetime | None:
        """Each doubt may be a copy in the receiver's box: ask less and less often, then a person.

        The first repeat comes after a quarter of an hour, the last about two days later.
        """
        if self._tried_enough(row, now):
            return None
        longer: int = 2 ** min(row.doubts - 1, TRIES)
        return now + longer * DOUBT

    def _tried_enough(self, row: Any, now: datetime) -> bool:
        return bool(now - row.made_at > GIVE_UP and row.attempts >= TRIES)

    def _any_due(self, database: Database, model: type[Any], now: datetime) -> bool:
        lost = and_(model.state == LetterState.SENDING, model.claimed_until < now)
        with database.reading() as session:
            return bool(
                session.scalar(select(select(model).where(or_(_due(model, now), lost)).exists()))
            )

    def _claim_row(
        self, session: Session, box: LetterBox[Any], row: Any, now: datetime
    ) -> _Claimed | None:
        try:
            with session.begin_nested():
                letter = box.compose(session, row)
            if letter is None:
                row.state, row.next_try_at = LetterState.WAITING_ADDRESS, None
                return None
            subject, body = self.render(letter.template, letter.locale, letter.values)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("letter %s cannot be written", row.message_id)
            row.attempts += 1
            self._later(row, now, f"cannot be written: {type(error).__name__}: {error}")
            return None  # one letter holds up only itself
        row.state, row.claimed_until = LetterState.SENDING, now + CLAIM
        row.attempts += 1
        cause = letter.correlation_id or row.correlation_id
        parcel = post.Parcel(letter.to, subject, body, row.message_id, row.made_at, cause)
        return _Claimed(box, inspect(row).identity, parcel, row.claimed_until)


def _tell(parcel: post.Parcel, outcome: post.Outcome) -> None:
    """One line a letter: its id without the domain, never its address."""
    level = logging.WARNING if outcome.verdict is post.Verdict.REFUSED else logging.INFO
    letter = parcel.message_id.strip("<>").partition("@")[0]
    about = {"letter": letter, "request": parcel.correlation_id}
    log.log(level, "letter %s", outcome.verdict.name.lower(), extra=about)


def _due(model: type[Any], now: datetime) -> Any:
    return and_(
        model.state.in_((LetterState.QUEUED, LetterState.UNKNOWN)), model.next_try_at <= now
    )
