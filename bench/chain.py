"""The whole chain, stage by stage: published, numbered, booked, in analytics."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ates.kernel.bus import publish_all
from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from ates.kernel.log import sequence
from bench.drain import database_of
from bench.events import Day
from bench.places import Place, opened
from bench.table import Measure, rate
from bench.worker import drain_log

PRESS = 50  # events a producer's transaction says


def measure(place: Place, data: Path, events: int) -> Sequence[Measure]:
    """Events a second through all stages, one after the other in one process."""
    url = place.fresh()
    with opened(url, data) as app:
        database = database_of(app)
        inboxes = app.extensions["ates.inboxes"]
        told = list(Day(500).events(events))
        stages: list[tuple[str, float]] = [
            ("staging", _timed(lambda: _publish(database, told))),
            ("sequencing", _timed(lambda: _sequence(database))),
            ("accounting", _timed(lambda: drain_log(Drain(database, inboxes["accounting"])))),
            ("sequencing", _timed(lambda: _sequence(database))),
            ("analytics", _timed(lambda: drain_log(Drain(database, inboxes["analytics"])))),
        ]
    place.drop(url)
    total = sum(seconds for _, seconds in stages)
    shares = {name: 0.0 for name, _ in stages}
    for name, seconds in stages:
        shares[name] += seconds / total
    note = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return [
        Measure(
            f"whole chain, {events:,} events: published, booked, in analytics",
            place.kind,
            rate(events, total),
            target="printed",
            note=note,
        )
    ]


def _publish(database: Database, events: Sequence[Any]) -> None:
    for first in range(0, len(events), PRESS):
        with database.transaction() as session:
            publish_all(session, events[first : first + PRESS])


def _sequence(database: Database) -> None:
    while sequence(database):
        pass


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
