"""Accounting's drain against the bare driver that writes the same rows in the same transactions."""

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from ates.kernel import clock
from ates.kernel.db import Database
from bench import bare, books, jobs
from bench.events import Day, fill_log
from bench.places import Place, opened
from bench.table import Measure, median, rate
from bench.worker import Worker, drain_log, working

TARGETS = {"sqlite": 0.5, "postgresql": 0.6}


@dataclass(frozen=True)
class Size:
    events: int = 50_000
    people: int = 500
    rounds: int = 5
    jobs: int = 1_000


@dataclass
class Prepared:
    """A log of events in a database, and what accounting makes of it."""

    url: str
    plan: list[books.Bundle]
    moment: Any
    sizes: list[int]


def measure(place: Place, data: Path, size: Size) -> list[Measure]:
    """Medians of the rounds; each has the bare driver before and after it."""
    ready = prepare(place, data, size)
    way = bare.fastest(place, ready.url, ready.plan, ready.moment) if place.server else ""
    ratios, ours, bares = [], [], []
    with working(data) as worker:
        _ours(place, ready, worker)  # a worker has been at work for days
        before = _bare(place, ready, way)
        for _ in range(size.rounds):
            mine = _ours(place, ready, worker)
            after = _bare(place, ready, way)
            ratios.append((before + after) / 2 / mine)
            ours.append(mine)
            bares.append(after)
            before = after
    ratio, target = median(ratios), TARGETS[place.kind]
    each = size.jobs / _jobs(place, ready, data, size)
    times = size.events / median(ours) / each
    return [
        Measure(
            f"accounting's drain of {size.events:,} mixed events",
            place.kind,
            rate(size.events, median(ours)),
            rate(size.events, median(bares)),
            ratio,
            f">= {target}",
            ratio >= target,
            note=f"bare: {way or 'executemany'}; rounds {', '.join(f'{r:.2f}' for r in ratios)}",
        ),
        Measure(
            f"the drain against one RQ job an event, {size.jobs:,} of them",
            place.kind,
            rate(size.events, median(ours)),
            f"{each:,.0f}/s",
            times,
            ">= 50",
            times >= 50,
        ),
    ]


def prepare(place: Place, data: Path, size: Size) -> Prepared:
    """Fill a log, drain it once on a copy, and take down what was written."""
    url = place.fresh()
    with opened(url, data) as app:
        events = list(Day(size.people).events(size.events))
        fill_log(database_of(app), events)
    trial = place.copy(url)
    with opened(trial, data) as app:
        drain = books.Recording(database_of(app), app.extensions["ates.inboxes"]["accounting"])
        drain_log(drain)
        assert drain.stats.parked == 0, "the events are good"
        plan = books.bundles(database_of(app), drain.ends)
        now = clock.now()
        moment = now.isoformat(timespec="microseconds") if place.kind == "sqlite" else now
    place.drop(trial)
    gc.collect()
    gc.freeze()  # the million values of the plan are nobody's garbage
    return Prepared(url, plan, moment, [bundle.events for bundle in plan])


def _ours(place: Place, ready: Prepared, worker: Worker) -> float:
    url = place.copy(ready.url)
    seconds = worker.seconds(url)
    place.drop(url)
    return seconds


def _bare(place: Place, ready: Prepared, way: str) -> float:
    url = place.copy(ready.url)
    if place.kind == "sqlite":
        seconds = bare.on_sqlite(place, url, ready.plan, ready.moment)
    else:
        seconds = bare.on_postgresql(url, ready.plan, ready.moment, way)
    place.drop(url)
    return seconds


def _jobs(place: Place, ready: Prepared, data: Path, size: Size) -> float:
    """Events from the middle of the log, past those that only introduce people."""
    url = place.copy(ready.url)
    with opened(url, data):
        taken = jobs.seconds(range(size.people + 1, size.people + 1 + size.jobs))
    place.drop(url)
    return taken


def database_of(app: Flask) -> Database:
    found = app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found
