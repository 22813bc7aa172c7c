"""The comparison in English for terminals, and in plain values for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from ates.kernel.tally import Counts, Figure
from ates.ops.reconciliation.compare import BOOKED, FOLLOWED, Check, DayLine, Standing
from ates.ops.reconciliation.findings import Finding
from ates.ops.reconciliation.report import Report

VERDICTS = {Standing.UNDERWAY: "on its way", Standing.DIFFERENT: "DIFFERENCE"}


def for_people(report: Report) -> Iterator[str]:
    """A line for each thing found, then the verdict."""
    for each in report.findings:
        word = VERDICTS.get(each.standing, "for the record")
        yield f"{each.day} {word}: {plain(each)}. {_steps(each)}"
    days = f"{len(report.days)} {'day' if len(report.days) == 1 else 'days'}"
    if report.standing is Standing.CLEAN:
        yield f"Tracker, ledger and analytics agree: {days}."
    elif report.standing is Standing.UNDERWAY:
        yield f"Nothing differs, and something is on its way: {days}."
    else:
        found = len(report.differences)
        yield f"{found} {'difference' if found == 1 else 'differences'} in {days}."


def for_programs(report: Report) -> dict[str, Any]:
    """One object; `standing` is also the exit code: 0 clean, 3 underway, 4 different."""
    return {
        "standing": report.standing.name.lower(),
        "compared_at": report.at.isoformat(),
        "days": [_day(each) for each in report.days],
        "findings": [_finding(each) for each in report.findings],
    }


def plain(found: Finding) -> str:
    """A finding in English, with the facts it names."""
    named = ", ".join(each.sentence % each.values for each in found.facts)
    said = found.sentence % {name: _shown(name, each) for name, each in found.values.items()}
    return f"{said} ({named})" if named else said


def _steps(found: Finding) -> str:
    """Commands; pages have addresses of their own there."""
    commands = [each.label for each in found.steps if each.command]
    return f"Try {', '.join(commands)}." if commands else "See /ops/reconciliation."


def _day(line: DayLine) -> dict[str, Any]:
    return {
        "day": line.span.day.isoformat(),
        "state": line.span.state,
        "standing": line.standing.name.lower(),
        "tracker": _counts(line.tracker, BOOKED),
        "ledger": _counts(line.ledger, [each for each in Figure if each not in BOOKED]),
        "analytics": _counts(line.analytics, FOLLOWED),
        "unheard_entries": line.unheard,
        "checks": [_check(each) for each in line.checks],
    }


def _counts(counts: Counts | None, figures: Iterable[Figure]) -> dict[str, int] | None:
    """Null for a part that is not here."""
    return None if counts is None else {str(each): counts.get(each, 0) for each in figures}


def _check(check: Check) -> dict[str, Any]:
    names = ("left", "right", "waiting", "aside", "skipped", "off")
    return {"name": str(check.name), **{name: getattr(check, name) for name in names}}


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "day": found.day.isoformat(),
        "standing": found.standing.name.lower(),
        "name": str(found.name),
        "sentence": plain(found),
        "facts": [
            {"source_id": str(each.source[0]), "source_no": each.source[1]} | dict(each.where)
            for each in found.facts
        ],
        "commands": [each.label for each in found.steps if each.command],
    }


def _shown(name: str, value: int) -> str:
    if not name.endswith("cents"):
        return f"{value:,}"
    return f"{'-' if value < 0 else ''}${abs(value) // 100:,}.{abs(value) % 100:02}"
