"""What a part adds to the picture of a chain: from a click to events, entries and letters."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from ates.kernel.envelope import Meta


@dataclass(frozen=True)
class TraceLine:
    """Something a part made of an event, or under a correlation id."""

    at: datetime
    sentence: str  # an English msgid with named parameters …
    values: Mapping[str, Any] = field(default_factory=dict)  # … which these fill
    endpoint: str | None = None  # its page, if it has one
    where: Mapping[str, Any] = field(default_factory=dict)
    cause: UUID | None = None  # the event it was made of; None: it belongs to the correlation id
    correlation_id: str | None = None
    said: UUID | None = None  # the event in which the part told the others
    state: str | None = None  # of a letter


@dataclass(frozen=True)
class Trace:
    """How a part helps to follow one act through the house; bulk queries, never one per event."""

    # What was made of these events, or under these correlation ids.
    made: Callable[[Session, Sequence[Meta], Collection[str]], Sequence[TraceLine]] | None = None
    # The stream (source, key) of the number under which people know a thing.
    stream: Callable[[Session, int], tuple[str, str] | None] | None = None
