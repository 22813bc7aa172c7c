"""Figures for Prometheus: this process's requests, and what the database knows of all processes."""

import os
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.errors import is_outage
from ates.ops import health, pulse
from ates.ops.pulse import Picture
from ates.ops.strain import Strain

TEXT = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Requests:
    """Requests of this process. The labels are bounded: endpoints of the code, never addresses."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.registry = CollectorRegistry()
        self.count = Counter(
            "ates_http_requests",
            "Requests answered, by this process.",
            ("process", "endpoint", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ates_http_request_seconds",
            "Time until the answer was ready, in this process.",
            ("process", "endpoint"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.registry.register(Shared(app))

    def begin(self) -> None:
        g.ates_measured = clock.monotonic()

    def end(self, response: Response) -> Response:
        endpoint, process = request.endpoint or "none", str(os.getpid())
        method = request.method if request.method in METHODS else "other"
        self.count.labels(process, endpoint, method, str(response.status_code)).inc()
        began = g.pop("ates_measured", None)
        if began is not None:
            self.seconds.labels(process, endpoint).observe(clock.monotonic() - began)
        return response


class Shared:
    """What all processes together are doing, read from the database when somebody asks."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        database: Database = self.app.extensions["ates.database"]
        bell = self.app.extensions["ates.bell"]
        rings = CounterMetricFamily(
            "ates_rings_failed", "Rings Redis did not take, by process.", labels=["process"]
        )
        rings.add_metric([str(os.getpid())], bell.failed)
        yield rings
        try:
            picture = pulse.look(database, self.app.extensions["ates.contexts"])
        except Exception as error:
            if not is_outage(error):
                raise
            yield GaugeMetricFamily("ates_database_up", "Whether it answers.", value=0)
            return
        yield GaugeMetricFamily("ates_database_up", "Whether it answers.", value=1)
        yield from _delivery(picture)
        yield from _consumers(picture)
        yield from _others(picture)


def init_app(app: Flask) -> None:
    """Count every request of `app`, the refused ones too."""
    counted = Requests(app)
    app.extensions["ates.metrics"] = counted
    app.before_request_funcs.setdefault(None, []).insert(0, counted.begin)
    app.after_request(counted.end)


def answer() -> Response:
    """All of it as text."""
    counted: Requests = current_app.extensions["ates.metrics"]
    return Response(generate_latest(counted.registry), content_type=TEXT)


def _delivery(picture: Picture) -> Iterator[Metric]:
    report = picture.report
    healthy = float(not health.of_report(report))
    yield GaugeMetricFamily("ates_healthy", "Whether /readyz says yes.", value=healthy)
    yield GaugeMetricFamily("ates_log_head", "The last numbered event.", value=report.head)
    yield GaugeMetricFamily("ates_outbox_staged", "Events without a number.", value=report.staged)
    yield GaugeMetricFamily("ates_outbox_held", "Staged events held.", value=report.held)
    waits = (report.at - report.oldest_staged).total_seconds() if report.oldest_staged else 0
    yield GaugeMetricFamily("ates_outbox_oldest_seconds", "Age of the oldest.", value=waits)
    if report.swept_at is not None:
        age = (report.at - report.swept_at).total_seconds()
        yield GaugeMetricFamily("ates_sweep_age_seconds", "Since the last sweep.", value=age)
    yield from _strain(report.strain)


def _strain(found: Strain) -> Iterator[Metric]:
    """Of what this kind of database has."""
    figures = (
        ("ates_sqlite_wal_bytes", "Size of the WAL.", found.wal_bytes),
        ("ates_postgresql_oldest_transaction_seconds", "Any.", found.oldest_transaction),
        ("ates_postgresql_oldest_writer_seconds", "One that writes.", found.oldest_writer),
        ("ates_postgresql_prepared_transactions", "Left prepared.", found.prepared),
    )
    for name, words, value in figures:
        if value is not None:
            yield GaugeMetricFamily(name, words, value=value)


def _consumers(picture: Picture) -> Iterator[Metric]:
    events = _gauge("ates_consumer_lag_events", "Numbered and not read.", "consumer")
    seconds = _gauge("ates_consumer_lag_seconds", "Age of the oldest of them.", "consumer")
    paused = _gauge("ates_consumer_paused", "1 while it is paused.", "consumer")
    parked = _gauge("ates_parked_events", "Events set aside.", "consumer", "status")
    failing = _gauge("ates_failing_seconds", "Age of the oldest event tried again.", "consumer")
    for lag in picture.lags:
        line = lag.line
        events.add_metric([line.name], line.behind)
        seconds.add_metric([line.name], lag.age.total_seconds() if lag.age else 0)
        paused.add_metric([line.name], line.mode == "paused")
        for status in ("retry", "blocked", "dead"):
            parked.add_metric([line.name, status], getattr(line, status))
        age = picture.report.at - line.failing_since if line.failing_since else None
        failing.add_metric([line.name], age.total_seconds() if age else 0)
    yield from (events, seconds, paused, parked, failing)


def _others(picture: Picture) -> Iterator[Metric]:
    letters = _gauge("ates_letters", "Letters by box and state.", "part", "kind", "state")
    for box in picture.boxes:
        for state, count in box.states.items():
            letters.add_metric([box.part, box.kind, state], count)
    workers = _gauge("ates_workers_alive", "Workers that showed a sign of life.", "kind")
    for kind in sorted(pulse.KINDS):
        alive = sum(each.alive for each in picture.workers if each.kind == kind)
        workers.add_metric([kind], alive)
    lost = CounterMetricFamily(
        "ates_worker_rings_failed", "Rings Redis did not take, by worker.", labels=["worker"]
    )
    for each in picture.workers:
        lost.add_metric([each.name], each.failed_rings)
    checks = _gauge("ates_check_ok", "1 where the last check found nothing.", "part", "kind")
    ages = _gauge("ates_check_age_seconds", "Since that check.", "part", "kind")
    for check in picture.checks:
        checks.add_metric([check.part, check.kind], check.ok)
        age = (picture.report.at - check.checked_at).total_seconds()
        ages.add_metric([check.part, check.kind], age)
    yield from (letters, workers, lost, checks, ages)


def _gauge(name: str, says: str, *labels: str) -> Any:
    return GaugeMetricFamily(name, says, labels=labels)
