"""Staging: events written beside the change that made them true, not yet numbered."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flask import Flask, current_app, has_app_context
from sqlalchemy.orm import Session

from ates.kernel import bus, clock, db, ids, many
from ates.kernel.envelope import Meta
from ates.kernel.errors import ConfigError
from ates.kernel.events import Cause, attach, cause, contract_of, key_of
from ates.kernel.tables import outbox

Ring = Callable[[set[str]], None]


def init_app(app: Flask, ring: Ring) -> None:
    """Connect the one receiver of `published`; `ring` wakes the hearers of types after a commit."""
    bus.published.connect(store, weak=False)
    app.extensions["ates.ring"] = ring


def check() -> None:
    """Refuse to start without exactly the one receiver. Raises ConfigError."""
    receivers = list(bus.published.receivers.values())
    if receivers != [store]:
        raise ConfigError(f"`published` must have the outbox as its one receiver, not {receivers}.")


def store(sender: type[Any], *, session: Session, events: list[Any]) -> None:
    """Write events of one class into staging, in order.

    The flush comes first: the aggregate's UPDATE locks or refuses before `seq` is drawn. The insert
    happens now, not at the commit: a savepoint that is rolled back takes its events along.
    """
    silent = session.info.get("silent")
    assert silent is None, f"{silent} is rebuildable and must not publish: a replay has no echo"
    contract = contract_of(sender)
    session.flush()
    moment, present = clock.now(), cause()
    common = {
        "source": contract.source,
        "type": contract.type,
        "version": contract.version,
    }
    envelopes: dict[Cause, str] = {}  # most events of a batch have one cause
    rows = []
    for event, event_id in zip(events, ids.several(len(events)), strict=True):
        by = event.__dict__.get("_cause", present)
        if by not in envelopes:
            envelopes[by] = _envelope(by)
        row = {
            **common,
            "event_id": event_id,
            "occurred_at": event.__dict__.get("_at", moment),
            "key": key_of(event),
            "key_version": event.key_version,
            "data": contract.encode(event).decode(),
            "meta": envelopes[by],
        }
        attach(event, partial(_meta, row))  # few ever ask for it
        rows.append(row)
    many.write(session, outbox, rows)
    session.info.setdefault("ring", set()).add(contract.type)
    db.after_commit(session, "ring", lambda: _ring(session.info.pop("ring")))


def _meta(row: dict[str, Any]) -> Meta:
    return Meta(
        id=row["event_id"],
        source=row["source"],
        key=row["key"],
        key_version=row["key_version"],
        occurred_at=row["occurred_at"],
        said=row["meta"],
    )


def _envelope(by: Cause) -> str:
    """The names CloudEvents has for them, canonical, so that copies keep the same bytes."""
    named = {
        "actorid": by.actor,
        "causationid": by.causation_id,
        "correlationid": by.correlation_id,
    }
    return json.dumps({name: value for name, value in named.items() if value}, sort_keys=True)


def _ring(types: Iterable[str]) -> None:
    """May be lost: nothing depends on it but the time until the sweep."""
    if has_app_context():
        current_app.extensions["ates.ring"](set(types))
