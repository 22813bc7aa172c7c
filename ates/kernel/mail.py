"""Letters: the columns and states of a letter row, and the sender that empties the boxes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import CheckConstraint, Index, Text, and_, func, inspect, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ates.kernel import clock, db, events, ids, post
from ates.kernel.db import Database
from ates.kernel.errors import is_outage
from ates.kernel.types import BigInt, UTCDateTime

log = logging.getLogger(__name__)

AT_ONCE = 10
CLAIM = timedelta(minutes=5)
GIVE_UP = timedelta(hours=48)
DOUBT = timedelta(minutes=15)  # an unknown one is sent again then, with the same Message-ID


class LetterState(StrEnum):
    """Where a letter is; the transitions are in books.md, chapter 8."""

    WAITING_ADDRESS = "waiting_address"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class LetterColumns:
    """What every letter row has, beside its part's own key. Mix into a model of the part.

    The part's table adds `state_check()`, the index on what is due: `due_index("auth_letter")`,
    and `correlation_index("auth_letter")`.
    """

    message_id: Mapped[str] = mapped_column(Text, unique=True)
    state: Mapped[LetterState] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInt, default=0)
    doubts: Mapped[int] = mapped_column(BigInt, default=0)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)  # also the letter's fixed Date
    next_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reply: Mapped[str | None] = mapped_column(Text)
    # What it comes from (kernel.events.Cause): the last link of a chain that began with a click.
    correlation_id: Mapped[str | None] = mapped_column(
        Text, default=lambda: events.cause().correlation_id
    )


STATE_RULE = "state IN ('waiting_address','queued','sending','sent','failed','unknown')"


def state_check() -> CheckConstraint:
    return CheckConstraint(STATE_RULE, name="state")


def due_index(table: str) -> Index:
    """The partial index the mail worker reads."""
    rule = text("state IN ('queued', 'sending', 'unknown')")
    return Index(f"ix_{table}_due", "next_try_at", sqlite_where=rule, postgresql_where=rule)


def correlation_index(table: str) -> Index:
    """The partial index by which a chain finds its letters."""
    rule = text("correlation_id IS NOT NULL")
    name = f"ix_{table}_correlation_id"
    return Index(name, "correlation_id", sqlite_where=rule, postgresql_where=rule)


L = TypeVar("L", bound=LetterColumns)


@dataclass(frozen=True)
class Letter:
    """What goes out: one receiver, one plain text part, frozen figures.

    `template` is a Jinja text template of the part, rendered with `values` in `locale`; its first
    line is the subject, then an empty line, then the body. Nothing typed by people is in a subject.
    """

    to: str
    locale: str
    template: str
    values: Mapping[str, Any]
    correlation_id: str | None = None


@dataclass(frozen=True)
class LetterBox(Generic[L]):
    """A part's letters: its table and how a row becomes a letter.

    `compose` runs in the claiming transaction and gives None for a row without an address.
    """

    part: str
    model: type[L]
    compose: Callable[[Session, L], Letter | None]


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
    """How many letters of a part are in each state."""
    model = box.model
    rows = session.execute(select(model.state, func.count()).group_by(model.state)).all()
    found = {str(state): count for state, count in rows}
    return {state.value: found[state.value] for state in LetterState if state.value in found}


def again(session: Session, box: LetterBox[Any], state: LetterState) -> int:
    """Send all failed, or all unknown, letters of a part again: the same letter. How many."""
    assert state in (LetterState.FAILED, LetterState.UNKNOWN), state
    model = box.model
    due: Any = session.execute(
        update(model)
        .where(model.state == state)
        .values(state=LetterState.QUEUED, attempts=0, next_try_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    wake(session)
    return int(due.rowcount)


@dataclass(frozen=True)
class _Claimed:
    """A letter in hand: committed as `sending` before anything is connected."""

    box: LetterBox[Any]
    identity: tuple[Any, ...]
    parcel: post.Parcel


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
                outcome = line.send(each.parcel)
                self.settle(each, outcome)

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
                row.next_try_at = now + DOUBT
            else:
                self._later(row, now, outcome.reply)
        _tell(claimed.parcel, outcome)

    def _later(self, row: Any, now: datetime, reply: str) -> None:
        """Try again after one minute to one hour; give up after two days."""
        row.reply = reply[:500]
        if now - row.made_at > GIVE_UP:
            row.state, row.next_try_at = LetterState.FAILED, None
        else:
            pause = min(3600.0, 60.0 * 2 ** min(row.attempts - 1, 6)) * ids.between(0.8, 1.2)
            row.state, row.next_try_at = LetterState.QUEUED, now + timedelta(seconds=pause)

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
        return _Claimed(box, inspect(row).identity, parcel)


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
