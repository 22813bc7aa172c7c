"""Nights on trial: a run of the payout against what it must close and pay, and how it dies."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from ates.accounting import closing, letters, payout
from ates.kernel.errors import DatabaseAway
from tests.accounting.machine.rows import Rows, read
from tests.kernel.faults import Away, Break, Crash, Step, breaking, crash, outage, replaced

if TYPE_CHECKING:
    from tests.accounting.machine.world import World

NIGHT = {
    step.name: step
    for step in (
        Step("N1 before the first close", closing, "close"),
        Step("N2 sealed, not committed", closing, "close", after=True),
        Step("N2 the close's commit is not done", closing, "close", after=True, commit="before"),
        Step("N2 the close's commit is unknown", closing, "close", after=True, commit="after"),
        Step("N3 before a batch", payout, "_pay"),
        Step("N3 before the second batch", payout, "_pay", call=2),
        Step("N4 posted, no letters", letters, "write"),
        Step("N5 letters written", letters, "write", after=True),
        Step("N6 a batch's commit is not done", payout, "_pay", after=True, commit="before"),
        Step("N6 a batch's commit is unknown", payout, "_pay", after=True, commit="after"),
        Step("N7 before paid", payout, "_finish"),
        Step("N7 paid, not committed", payout, "_finish", after=True),
        Step("N8 paid, commit unknown", payout, "_finish", after=True, commit="after"),
    )
}
KINDS_OF_DEATH: Mapping[str, Break] = {"killed": crash, "away": outage}


def run(
    world: "World",
    limits: payout.Limits,
    size: int,
    meanwhile: Callable[["World"], None] | None,
) -> None:
    """A run in batches of this size: its dry run before it, its comparison after it."""
    before = read(world.database)
    report = plan = None
    with world.failing("C9 the run"), world.running(), replaced(payout, "BATCH", size):
        with world.database.reading() as session:
            plan = payout.dry_run(session, world.books, limits)
        progress = (lambda *_: meanwhile(world)) if meanwhile else (lambda *_: None)
        report = payout.run(world.database, world.books, limits, progress)
    after = read(world.database)
    _compare(world, before, after, limits)
    if plan is not None and report is not None and meanwhile is None:
        _compare_plan(world, before, after, plan)


def run_and_die(world: "World", step: str, how: str, size: int) -> None:
    """A run that dies at a step."""
    with (
        world.running(),
        replaced(payout, "BATCH", size),
        breaking(world.database, NIGHT[step], KINDS_OF_DEATH[how]),
        suppress(Crash, Away, DatabaseAway),
    ):
        payout.run(world.database, world.books, payout.Limits(catch_up=400))


def _compare(world: "World", before: Rows, after: Rows, limits: payout.Limits) -> None:
    """C9: exactly the days that could be closed are closed, and all of them are paid."""
    states = {day.business_date: day.state for day in before.days}
    due = _closable(world, before, after, limits)
    for day in after.days:
        state = states.get(day.business_date, "open")
        beyond = limits.through is not None and day.business_date > limits.through
        payable = state != "open" or day.business_date in due
        wanted = state if beyond else "paid" if payable else "open"
        if wanted == "paid" and state != "paid" and after.held(day.business_date):
            continue  # closed, unless a hold came after it was paid; what is paid has its law
        if day.state != wanted:
            world.faults.append(f"C9 {day.business_date} is {day.state}, due is {wanted}")


def _closable(world: "World", before: Rows, after: Rows, limits: payout.Limits) -> set[date]:
    """The days this run must close: over, with their grace, and with nothing on its way."""
    states = {day.business_date: day.state for day in before.days}
    over = [
        day
        for day in after.days
        if states.get(day.business_date, "open") == "open"
        and day.ends_at + world.books.grace <= world.now
        and (limits.through is None or day.business_date <= limits.through)
    ]
    with_entries = {total.business_date for total in before.totals}
    if len([day for day in over if day.business_date in with_entries]) > limits.catch_up:
        return set()
    due = set()
    for day in over:
        if before.waiting(day.ends_at):
            break
        due.add(day.business_date)
    return due


def _compare_plan(world: "World", before: Rows, after: Rows, plan: Any) -> None:
    """The dry run said to the cent what the run did."""
    paid: Counter[date] = Counter()
    for entry in after.entries[len(before.entries) :]:
        paid[entry.business_date] -= entry.amount_cents
    planned = {each.day: each.standing.cents for each in plan.plan if each.standing.cents}
    if planned != dict(paid):
        world.faults.append(f"C9 a dry run said {planned}, the run paid {dict(paid)}")
