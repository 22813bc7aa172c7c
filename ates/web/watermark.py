"""Up to when the figures of a page are complete, and how loudly the page says that they are not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.lag import behind_each

Loudness = Literal["fresh", "bold", "yellow", "red"]
STEPS: tuple[tuple[timedelta, Loudness], ...] = (
    (timedelta(minutes=10), "red"),
    (timedelta(seconds=30), "yellow"),
    (timedelta(seconds=2), "bold"),
)


@dataclass(frozen=True)
class Watermark:
    """All events up to `as_of` are counted, none after it is promised."""

    as_of: datetime
    events: int  # that happened and are not counted
    minutes: int  # how far behind, at least 1; for the note
    loudness: Loudness


def watermark(session: Session, *consumers: str) -> Watermark:
    """How far `consumers` are. Events set aside are not counted, so they hold the mark back.

    Figures made of what another consumer says name that one too: what it has not handled is
    missing from them, and nothing that waits for themselves would tell.
    """
    lags, now = behind_each(session, consumers), clock.now()
    as_of = min(min(lag.as_of, lag.aside_since or lag.as_of) for lag in lags)
    age = now - as_of
    return Watermark(
        as_of=as_of,
        events=sum(lag.events + lag.aside for lag in lags),
        minutes=max(1, age // timedelta(minutes=1)),
        loudness="red" if any(lag.dead for lag in lags) else _loudness(age),
    )


def _loudness(age: timedelta) -> Loudness:
    return next((loudness for step, loudness in STEPS if age > step), "fresh")
