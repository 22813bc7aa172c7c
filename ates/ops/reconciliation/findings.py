"""What the comparison found, in sentences for people, and what there is to do about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ates.kernel.errors import N_
from ates.kernel.tally import Fact, Figure
from ates.ops.reconciliation.compare import BOOKED, FOLLOWED, Check, DayLine, Standing

TOO_FEW = {
    Figure.ASSIGNMENTS: N_("Assignments without a fee: %(off)s"),
    Figure.COMPLETIONS: N_("Completions without a reward: %(off)s"),
    Figure.LETTERS: N_("Payouts without a letter: %(off)s"),
}
TOO_MANY = {
    Figure.ASSIGNMENTS: N_("Fees without an assignment: %(off)s"),
    Figure.COMPLETIONS: N_("Rewards without a completion: %(off)s"),
    Figure.LETTERS: N_("Letters without a payout: %(off)s"),
}
APART = {
    Figure.ENTRIES: N_("Entries: accounting %(left)s, analytics %(right)s"),
    Figure.FEE_CENTS: N_("Fees: accounting %(left_cents)s, analytics %(right_cents)s"),
    Figure.REWARD_CENTS: N_("Rewards: accounting %(left_cents)s, analytics %(right_cents)s"),
    Figure.ADJUSTMENT_CENTS: N_(
        "Corrections: accounting %(left_cents)s, analytics %(right_cents)s"
    ),
    Figure.PAYOUT_CENTS: N_("Payouts: accounting %(left_cents)s, analytics %(right_cents)s"),
    Figure.REWARDS: N_("Completed tasks: accounting %(left)s, analytics %(right)s"),
    Figure.LETTER_CENTS: N_("Payouts of %(left_cents)s, letters about %(right_cents)s"),
}
WAITING = {
    Figure.ASSIGNMENTS: N_("Assignments on their way to accounting: %(count)s"),
    Figure.COMPLETIONS: N_("Completions on their way to accounting: %(count)s"),
}
ASIDE = {
    Figure.ASSIGNMENTS: N_("Assignments that accounting set aside until a repair: %(count)s"),
    Figure.COMPLETIONS: N_("Completions that accounting set aside until a repair: %(count)s"),
}
SKIPPED = {
    Figure.ASSIGNMENTS: N_("Assignments left out for ever by decision: %(count)s"),
    Figure.COMPLETIONS: N_("Completions left out for ever by decision: %(count)s"),
}
UNHEARD = N_("Entries on their way to analytics: %(count)s")
UNSENT = N_("Letters that have not gone out: %(count)s")


@dataclass(frozen=True)
class Step:
    """One thing to do: a page to look at, a command, or what to wait for."""

    label: str  # an English msgid, or the command itself
    endpoint: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    command: bool = False


COMES = Step(N_("It comes by itself."))
DECIDED = Step(N_("It waits until it is repaired, or skipped."))
LOG = Step("flask events verify", command=True)
BOOKS = Step("flask accounting verify --full", command=True)
RECOUNT = Step("flask analytics verify --full", command=True)
REBUILD = Step("flask events rebuild analytics --and-swap", command=True)


@dataclass(frozen=True)
class Finding:
    """One sentence about one day, with the facts it is about as far as they are known."""

    day: date
    standing: Standing  # CLEAN: for the record
    sentence: str  # an English msgid with named parameters …
    values: Mapping[str, int]  # … which these fill
    steps: tuple[Step, ...]
    name: Figure
    facts: tuple[Fact, ...] = ()


def of_day(line: DayLine) -> Iterator[Finding]:
    """Everything there is to say of one day; nothing of a clean one."""
    for check in line.checks:
        if check.off:
            yield _difference(line, check)
        yield from _explained(line, check)
    if line.unheard:
        steps = (COMES, _consumer("analytics"))
        yield _underway(line, Figure.ENTRIES, UNHEARD, line.unheard, *steps)
    if unsent := line.ledger.get(Figure.UNSENT):
        yield _underway(line, Figure.LETTERS, UNSENT, unsent, _payouts(line))


def _difference(line: DayLine, check: Check) -> Finding:
    name, off = check.name, check.off
    sentence = APART.get(name) or (TOO_FEW if off > 0 else TOO_MANY)[name]
    both = {"left": check.left, "right": check.right, "off": abs(off)}
    cents = {"left_cents": check.left, "right_cents": check.right}
    values = cents if "_cents" in sentence else both
    return Finding(line.span.day, Standing.DIFFERENT, sentence, values, _steps(line, check), name)


def _explained(line: DayLine, check: Check) -> Iterator[Finding]:
    name = check.name
    if check.waiting:
        steps = (COMES, _consumer("accounting"))
        yield _underway(line, name, WAITING[name], check.waiting, *steps)
    if check.aside:
        yield _underway(line, name, ASIDE[name], check.aside, DECIDED, _parked())
    if check.skipped:
        values = {"count": check.skipped}
        step = Step(N_("Skipped events"), "ops.events", {"state": "skipped"})
        day = line.span.day
        yield Finding(day, Standing.CLEAN, SKIPPED[name], values, (step,), name)


def _underway(line: DayLine, name: Figure, sentence: str, count: int, *steps: Step) -> Finding:
    day = line.span.day
    return Finding(day, Standing.UNDERWAY, sentence, {"count": count}, steps, name)


def _steps(line: DayLine, check: Check) -> tuple[Step, ...]:
    """Where to look, and the proof that names the rows."""
    if check.name in FOLLOWED:
        there = Step(N_("The day in analytics"), "analytics.day", {"day": line.span.day})
        return _day(line), there, RECOUNT, REBUILD
    if check.name in BOOKED:
        return (_day(line), _parked(), LOG, BOOKS) if check.off > 0 else (_day(line), BOOKS)
    return _payouts(line), BOOKS


def _day(line: DayLine) -> Step:
    return Step(N_("The day"), "accounting.day", {"day": line.span.day})


def _payouts(line: DayLine) -> Step:
    return Step(N_("Payouts of this day"), "accounting.payout", {"day": line.span.day})


def _parked() -> Step:
    return Step(N_("Parked events"), "ops.events", {"consumer": "accounting"})


def _consumer(name: str) -> Step:
    return Step(N_("How far it is"), "ops.overview", {"_anchor": f"consumer-{name}"})
