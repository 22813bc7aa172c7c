"""What stands around an event: who said it when, its place in the log, and what it comes from."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row


class _Said(msgspec.Struct, gc=False):
    """The names under which an envelope is stored (kernel.outbox)."""

    correlationid: str | None = None
    causationid: str | None = None
    actorid: str | None = None


_said = msgspec.json.Decoder(_Said).decode


class Meta(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """What the envelope knows of an event; `meta_of(event)` gives it. One is made for each event
    that is delivered: a struct costs a tenth of a frozen dataclass, and where it comes from stays
    the text it is stored as until somebody asks."""

    id: UUID
    source: str
    key: str
    key_version: int
    occurred_at: datetime
    log: str | None = None  # None until the sequencer has numbered it
    position: int | None = None
    said: str = "{}"  # what caused it, as it is stored

    @property
    def correlation_id(self) -> str | None:
        return _said(self.said).correlationid

    @property
    def causation_id(self) -> str | None:
        return _said(self.said).causationid

    @property
    def actor(self) -> str | None:
        return _said(self.said).actorid


class Stored(Meta, frozen=True, kw_only=True, gc=False, array_like=True):
    """An event as the log keeps it, its data not read yet. It is its own envelope."""

    log: str
    position: int
    type: str
    version: int
    data: str


def stored(row: Row[Any]) -> Stored:
    """An event of the log, from a row with all its columns."""
    return Stored(**_around(row), type=row.type, version=row.version, data=row.data)


def meta_from(row: Row[Any]) -> Meta:
    """The envelope of a stored event, of a staged one too."""
    return Meta(**_around(row))


def _around(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.event_id,
        "source": row.source,
        "key": row.key,
        "key_version": row.key_version,
        "occurred_at": row.occurred_at,
        "log": row.log,
        "position": row.position,
        "said": row.meta,
    }
