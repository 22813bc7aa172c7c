"""`make bench`: runs the sections, prints the table, writes build/bench.json."""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ates.contracts.chronicle import Size as Company
from bench import chain, drain, ledger, machine, press, shuffle, size, web
from bench.places import BOTH, Place, folder, places
from bench.table import Measure, lines

REPORT = Path(__file__).parents[1] / "build" / "bench.json"
SECTIONS = ("drain", "chain", "shuffle", "press", "web", "size", "ledger")


@dataclass(frozen=True)
class Scale:
    """How much is measured: all of it, or enough to see that it can be measured."""

    events: int = 50_000
    chain: int = 20_000
    rounds: int = 5
    jobs: int = 1_000
    tasks: int = 100_000
    shuffles: int = 3
    presses: int = 40
    lonely: int = 12  # presses without Redis
    seconds: float = 10.0
    people: int = 0  # of the large company; 0: as many as the target says


SCALES = {
    "full": Scale(),
    "quick": Scale(10_000, 5_000, 3, 200, 25_000, 1, 12, 5, 4.0, 500),
    "tiny": Scale(1_000, 700, 1, 20, 300, 1, 2, 2, 1.0, 20),
}


def main(words: Sequence[str] | None = None) -> int:
    """Measure; exit 0 also where something falls short: the table says so. 1 if a section broke."""
    options = _parser().parse_args(words)
    kinds = BOTH if options.database == "both" else (options.database,)
    asked = options.only.split(",") if options.only else list(SECTIONS)
    scale = SCALES["tiny" if options.tiny else "quick" if options.quick else "full"]
    facts = machine.facts()
    print(machine.words(facts), flush=True)
    found: list[Measure] = []
    broken: list[str] = []
    with folder() as home, places(kinds, home) as ready:
        for name in asked:
            measures, error = _section(name, ready, home, scale)
            found += measures
            broken += error
    print("\n".join(["", *lines(found), *_verdict(found), *broken]))
    path = Path(options.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": facts, "measures": [each.as_json() for each in found], "broken": broken}
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", metavar="SECTIONS", help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--database", choices=(*BOTH, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="a fifth of it, in five minutes")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # for its own test
    parser.add_argument("--json", default=str(REPORT), metavar="FILE")
    return parser


def _section(
    name: str, ready: Sequence[Place], home: Path, scale: Scale
) -> tuple[list[Measure], list[str]]:
    """All measures of a section; what breaks is said and costs nobody else anything."""
    found: list[Measure] = []
    broken: list[str] = []
    for label, act in _acts(name, ready, home, scale):
        started = time.monotonic()
        try:
            measures = list(act())
        except Exception as error:
            traceback.print_exc()
            broken.append(f"BROKEN: {label}: {type(error).__name__}: {error}"[:300])
            continue
        found += measures
        print(f"-- {label}: {time.monotonic() - started:.0f} s", flush=True)
        print("\n".join(lines(measures)[2:]), flush=True)
    return found, broken


def _acts(
    name: str, ready: Sequence[Place], home: Path, scale: Scale
) -> Iterable[tuple[str, Callable[[], Iterable[Measure]]]]:
    """The parts of a section, by database."""
    log = drain.Size(scale.events, min(500, scale.events // 4), scale.rounds, scale.jobs)
    ways: dict[str, Callable[[Place], Iterable[Measure]]] = {
        "drain": lambda place: drain.measure(place, home, log),
        "chain": lambda place: chain.measure(place, home, scale.chain),
        "shuffle": lambda place: shuffle.measure(place, home, scale.tasks, scale.shuffles),
        "press": lambda place: [
            *press.measure(place, home, scale.presses, redis=True),
            *press.measure(place, home, scale.lonely, redis=False),
        ],
        "web": lambda place: [
            *web.measure(place, home, scale.seconds, 1),
            *web.measure(place, home, scale.seconds, 2),
        ],
    }
    for place in ready if name in ways else ():
        yield f"{name} on {place.kind}", partial(ways[name], place)
    for place in ready if name == "size" else ():
        yield f"size on {place.kind}", partial(_size, place, home, scale)
    for place in ready if name == "ledger" else ():
        if place.kind == "postgresql":  # what SQLite is for is smaller by far
            yield f"ledger on {place.kind}", partial(_ledger, place, home, scale)


def _size(place: Place, home: Path, scale: Scale) -> Iterable[Measure]:
    """Pages at size, payout and memory; a smaller company unless everything is measured."""
    if not scale.people:
        return size.measure(place, home)
    large, _ = size.make(place, home, Company(scale.people, scale.people * 50, 10))
    effort = size.Effort(max(20, scale.people // 5), scale.people, scale.events, scale.people)
    return size.measure(place, home, large, effort=effort)


def _ledger(place: Place, home: Path, scale: Scale) -> Iterable[Measure]:
    """Ten million entries; fewer unless everything is measured."""
    if not scale.people:
        return ledger.measure(place, home, ledger.Effort())
    company = Company(scale.people, scale.people * 50, 10)
    effort = ledger.Effort(company, scale.people * 10, max(20, scale.people // 5))
    return ledger.measure(place, home, effort)


def _verdict(found: Sequence[Measure]) -> list[str]:
    short = [each for each in found if each.ok is False]
    met = sum(each.ok is True for each in found)
    return ["", f"{met} targets met, {len(short)} short."]


if __name__ == "__main__":
    sys.exit(main())
