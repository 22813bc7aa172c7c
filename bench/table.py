"""What was measured: rows of a table on the terminal and of build/bench.json."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One line. `ok` is None where there is no target to meet, only a figure to know."""

    name: str
    on: str  # sqlite, postgresql, or nothing
    this: str
    bare: str = ""
    ratio: float | None = None
    target: str = ""
    ok: bool | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in ("", None)}


HEADS = ("measure", "on", "this", "bare", "ratio", "target", "")


def lines(measures: Sequence[Measure]) -> list[str]:
    """The table as text: columns as wide as they need to be, notes below their line."""
    cells = [HEADS, *(_cells(each) for each in measures)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADS))]
    made = []
    for row, each in zip(cells, [None, *measures], strict=True):
        texts = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        made.append("  ".join(texts).rstrip())
        if each is None:
            made.append("  ".join("-" * width for width in widths))
        elif each.note:
            made.append(f"    {each.note}")
    return made


def _cells(each: Measure) -> tuple[str, ...]:
    ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
    verdict = {None: "", True: "ok", False: "SHORT"}[each.ok]
    return (each.name, each.on, each.this, each.bare, ratio, each.target, verdict)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, round(len(values) * 0.95 + 0.5) - 1)]


def rate(count: int, seconds: float, what: str = "/s") -> str:
    return f"{count / seconds:,.0f} {what}" if what != "/s" else f"{count / seconds:,.0f}/s"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
