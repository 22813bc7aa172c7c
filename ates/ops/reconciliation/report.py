"""The whole comparison: every part is asked, gaps are explained, differences are named."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy.orm import Session

from ates.kernel.context import Context
from ates.kernel.tally import ByDay, Counts, Fact, Figure, Follower, Ledger, Span, Tracker
from ates.kernel.underway import streams, underway
from ates.ops.reconciliation.compare import (
    BOOKED,
    Check,
    DayLine,
    Standing,
    booked,
    followed,
    settled,
)
from ates.ops.reconciliation.findings import Finding, of_day

T = TypeVar("T")

DAYS = 14  # of the command, unless told
SHOWN = 5  # facts a difference names
SOUGHT = 2  # differences of a page whose facts are looked for …
FEW = 10_000  # … on a day with so many at most: the command names the others
FIRST = 100
NOTHING: Counts = {}


@dataclass(frozen=True)
class Report:
    """Days, newest first, and what was found: differences first, then the newest."""

    at: datetime
    rows: bool  # counted from the rows; else from sums
    days: tuple[DayLine, ...]
    findings: tuple[Finding, ...]

    @property
    def standing(self) -> Standing:
        return max((each.standing for each in self.days), default=Standing.CLEAN)

    @property
    def differences(self) -> list[Finding]:
        return [each for each in self.findings if each.standing is Standing.DIFFERENT]


@dataclass(frozen=True)
class Parts:
    """Who counts what; parts may be taken out."""

    ledger: Ledger
    name: str  # of the part that keeps it
    tracker: Tracker | None
    follower: Follower | None


def reconcile(
    session: Session,
    contexts: Sequence[Context],
    *,
    at: datetime,
    days: int | None = DAYS,
    rows: bool = False,
) -> Report:
    """Compare the newest `days` (None: all) in the snapshot of `session`.

    From the sums the parts keep, for a page: five statements while all agree. With `rows` from
    every row of these days, and every difference is named: for a command, as it may take minutes.
    """
    parts = _parts(contexts)
    if parts is None:
        return Report(at, rows, (), ())
    lines = _lines(session, parts, parts.ledger.days(session, at, days), rows)
    found = [each for line in lines for each in of_day(line)]
    found.sort(key=lambda each: (each.standing, each.day), reverse=True)
    named = _named(session, parts, lines, found, rows)
    return Report(at, rows, tuple(reversed(lines)), tuple(named))


# --- comparing ------------------------------------------------------------------------------------


def _parts(contexts: Sequence[Context]) -> Parts | None:
    """By what they offer; None where nobody keeps a ledger."""
    keeper = next((each for each in contexts if isinstance(each.tally, Ledger)), None)
    if keeper is None or not isinstance(keeper.tally, Ledger):
        return None
    return Parts(
        ledger=keeper.tally,
        name=keeper.name,
        tracker=_first(contexts, Tracker),
        follower=_first(contexts, Follower),
    )


def _first(contexts: Sequence[Context], kind: type[T]) -> T | None:
    return next((each.tally for each in contexts if isinstance(each.tally, kind)), None)


def _lines(session: Session, parts: Parts, spans: Sequence[Span], rows: bool) -> list[DayLine]:
    """What explains a gap is asked for only where there is one."""
    ledger = parts.ledger.count(session, spans, rows)
    tracker = parts.tracker.count(session, spans, rows) if parts.tracker else None
    types = [type_ for _, type_ in BOOKED.values()]
    unbooked = tracker is not None and any(
        check.off for span in spans for check in booked(tracker[span.day], ledger[span.day], {})
    )
    gaps = underway(session, parts.name, types, spans) if unbooked else {}
    heard, analytics = parts.follower.count(session, spans) if parts.follower else (0, None)
    lags = analytics is not None and any(
        check.off for span in spans for check in followed(ledger[span.day], analytics[span.day], {})
    )
    unheard = parts.ledger.unheard(session, heard) if lags else {}
    return [
        _line(span, tracker, ledger, analytics, unheard, _of_day(gaps, span.day)) for span in spans
    ]


def _of_day(gaps: Mapping[tuple[date, str, str], int], day: date) -> dict[tuple[str, str], int]:
    return {(type_, state): count for (on, type_, state), count in gaps.items() if on == day}


def _line(
    span: Span,
    tracker: ByDay | None,
    ledger: ByDay,
    analytics: ByDay | None,
    unheard: ByDay,
    gaps: Mapping[tuple[str, str], int],
) -> DayLine:
    mine, later = ledger[span.day], unheard.get(span.day, NOTHING)
    given = tracker[span.day] if tracker is not None else None
    told = analytics[span.day] if analytics is not None else None
    checks = [
        *(booked(given, mine, gaps) if given is not None else ()),
        *(followed(mine, told, later) if told is not None else ()),
        *settled(mine),
    ]
    return DayLine(span, given, mine, told, tuple(checks), later.get(Figure.ENTRIES, 0))


# --- naming ---------------------------------------------------------------------------------------


def _named(
    session: Session, parts: Parts, lines: Sequence[DayLine], found: list[Finding], rows: bool
) -> Iterator[Finding]:
    """The first facts that only one side has. A page looks for a few, on days that are not huge."""
    by_day = {line.span.day: line for line in lines}
    left = FIRST if rows else SOUGHT
    for each in found:
        line = by_day[each.day]
        check = line.check(each.name)
        sought = each.standing is Standing.DIFFERENT and each.name in BOOKED and left > 0
        if not sought or check is None or not (rows or max(check.left, check.right) <= FEW):
            yield each
            continue
        left -= 1
        yield replace(each, facts=_apart(session, parts, line.span, check))


def _apart(session: Session, parts: Parts, span: Span, check: Check) -> tuple[Fact, ...]:
    """Both sides in one order, side by side: what the left has alone, or the right.

    Without the tasks of which something is on its way: they explain themselves.
    """
    assert parts.tracker is not None, "who does not count cannot differ"
    right, type_ = BOOKED[check.name]
    known = streams(session, parts.name, type_, span) if check.explained else set[str]()
    with (
        closing(parts.tracker.facts(session, span, check.name)) as given,
        closing(parts.ledger.facts(session, span, right)) as posted,
    ):
        apart = _only_first(given, posted) if check.off > 0 else _only_first(posted, given)
        fresh = (each for each in apart if f"task_id:{each.source[0]}" not in known)
        return tuple(islice(fresh, SHOWN))


def _only_first(more: Iterator[Fact], fewer: Iterator[Fact]) -> Iterator[Fact]:
    other = next(fewer, None)
    for fact in more:
        while other is not None and other < fact:
            other = next(fewer, None)
        if other is None or other != fact:
            yield fact
