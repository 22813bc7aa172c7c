"""Done is pressed: how long until the entry is in the own account, on an idle installation."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from ates.kernel import ids
from bench.houses import Browser, Home, home, prepare
from bench.places import Place
from bench.table import Measure, median, ms, p95

LIMITS = {True: 0.150, False: 2.0}
GIVEN_UP = 10.0


def measure(place: Place, data: Path, presses: int, *, redis: bool) -> Sequence[Measure]:
    """The p95 of single presses, each some time after the one before."""
    ready = prepare(place, data, presses + 3)
    taken = []
    with home(ready.url, data / f"home-{ids.new()}", redis=redis) as house:
        browser = Browser(house.url, ready.cookies)
        booked, close = _watch(place.kind, ready.url)
        try:
            for number, task in zip(ready.numbers, ready.ids, strict=True):
                time.sleep(ids.between(0.3, 1.2))
                taken.append(_press(browser, house, number, partial(booked, task)))
        finally:
            close()
    place.drop(ready.url)
    taken = taken[3:]  # the first ones open connections and compile templates
    limit = LIMITS[redis]
    return [
        Measure(
            f"Done pressed, entry in the own account, {'with' if redis else 'without'} Redis",
            place.kind,
            f"p95 {ms(p95(taken))}",
            target=f"<= {ms(limit)}",
            ok=p95(taken) <= limit,
            note=f"median {ms(median(taken))}, {len(taken)} presses",
        )
    ]


def _press(browser: Browser, house: Home, number: int, booked: Callable[[], bool]) -> float:
    target, fields = browser.form("/tasks/mine", f"/tasks/{number}/complete")
    started = time.perf_counter()
    browser.post(target, fields)
    while not booked():
        if time.perf_counter() - started > GIVEN_UP:
            raise TimeoutError(f"task {number} is not booked\n{house.logs()}")
        time.sleep(0.001)
    return time.perf_counter() - started


def _watch(kind: str, url: str) -> tuple[Callable[[UUID], bool], Callable[[], None]]:
    """Whether a task's reward is committed, asked past the application; and how to stop asking."""
    question = "SELECT 1 FROM accounting_entry WHERE kind = 'reward' AND source_id = "
    if kind == "sqlite":
        lite = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        ask: Any = lambda task: lite.execute(f"{question}?", (str(task),)).fetchone()  # noqa: E731
        return lambda task: ask(task) is not None, lite.close
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    asked: Any = lambda task: connection.execute(f"{question}%s", (task,)).fetchone()  # noqa: E731
    return lambda task: asked(task) is not None, connection.close
