"""Saying an event: blinker's signal `published`, whose one receiver is the outbox."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from blinker import Signal
from sqlalchemy.orm import Session

from ates.kernel.events import is_contract

# The sender is the event's class; the one receiver, kernel.outbox.store, writes into the producer's
# transaction. Blinker's order of receivers is undefined and it stops at the first exception, so a
# second receiver would be a second truth: create_app refuses it.
published = Signal("A part states facts in the transaction that makes them true.")


def publish(session: Session, event: Any) -> None:
    """Say one event in the transaction of `session`; committed together or not at all.

    The aggregate must be locked or version-checked first (`db.Aggregate`). Raises TypeError for an
    object that is no contract, msgspec.ValidationError for data its own contract refuses.
    """
    publish_all(session, [event])


def publish_all(session: Session, events: Sequence[Any]) -> None:
    """Say many events in order: one multi-row insert per run of one class."""
    for cls, run in groupby(events, key=type):
        if not is_contract(cls):
            raise TypeError(f"{cls.__name__} is no event contract")
        published.send(cls, session=session, events=list(run))
