"""The page of own tasks with 50 rows, asked for by sixteen clients at once."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ates.kernel import ids
from bench.houses import Browser, home, prepare
from bench.places import Place
from bench.table import Measure, median, ms, p95

ROWS, CLIENTS, AIM = 50, 16, 400


def measure(place: Place, data: Path, seconds: float, workers: int) -> Sequence[Measure]:
    """Answers a second, of the clients and the server on this one machine."""
    ready = prepare(place, data, ROWS)
    with home(ready.url, data / f"home-{ids.new()}", redis=True, workers=workers) as house:
        browser = Browser(house.url, ready.cookies)
        page = browser.get("/tasks/mine")
        assert page.count("feed the parrot") >= ROWS, "the page shows the rows"
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        for warm in (1.0, seconds):
            found = _ask(house.port, cookie, warm)
    place.drop(ready.url)
    rate = len(found["taken"]) / found["seconds"]
    return [
        Measure(
            f"web: own tasks, {ROWS} rows, {CLIENTS} clients, {workers} process(es)",
            place.kind,
            f"{rate:,.0f}/s",
            target=f"aim {AIM}/s",
            ok=rate >= AIM,
            note=f"{times(found['taken'])}, {len(page) / 1000:.0f} kB a page, client included",
        )
    ]


def times(taken: Sequence[float]) -> str:
    """How long answers took; a short run on a busy machine may get none, which breaks nothing."""
    if not taken:
        return "no answer came in time"
    return f"median {ms(median(taken))}, p95 {ms(p95(taken))}"


def _ask(port: int, cookie: str, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.client", "127.0.0.1", str(port), "/tasks/mine", cookie,
         str(CLIENTS), str(seconds)],
        capture_output=True, text=True, check=True, timeout=seconds + 60,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found
