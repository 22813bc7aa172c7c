"""Payouts by day, and where each letter is. No control here moves money: only the command does."""

from dataclasses import replace

from flask import url_for
from flask.typing import ResponseReturnValue

from ates.accounting import holds as stops
from ates.accounting import payout as command
from ates.accounting.forms import PayoutFilter
from ates.accounting.gate import books
from ates.accounting.queries import days, holds, payouts, runs
from ates.accounting.views.blueprint import day_in, page, pages
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import BOOKKEEPERS, allow
from ates.web.identity import me
from ates.web.watermark import watermark


@pages.get("/payouts/")
@allow(BOOKKEEPERS)
def all_payouts() -> ResponseReturnValue:
    """Closed and paid days, with who was left and where the letters are."""
    with reading("accounting") as session:
        held = stops.read(session)
        paid, mark = payouts.paid_days(session, held), watermark(session, "accounting")
    waiting = days.unpaid(paid, at=clock.now())
    return page("payouts", days=paid, mark=mark, unpaid=waiting, stop=held.everything)


@pages.get("/payouts/<day>")
@allow(BOOKKEEPERS)
def payout(day: str) -> ResponseReturnValue:
    """One day: the runs that touched it, who was paid how much, and where each letter is."""
    form = PayoutFilter.asked()
    with reading("accounting") as session:
        held = stops.read(session)
        paid = payouts.paid_day(session, day_in(day), held)
        found = payouts.people_paid(session, paid.day, letter=form.letter, after=form.after)
        touched = runs.runs_of(session, paid)
        paid = replace(paid, left=next((run.left for run in touched if run.left), None))
        hold = holds.of_day(session, paid.day) if paid.held else None
    older = found.older and url_for(
        "accounting.payout", day=paid.day, letter=form.letter, after=found.older
    )
    return page(
        "payout",
        paid=paid,
        page=found,
        form=form,
        older=older,
        runs=touched,
        hold=hold,
        stop=held.everything,
        unpaid=days.unpaid([paid], at=clock.now()),
        reader=me().id,
    )


@pages.get("/payouts/preview")
@allow(BOOKKEEPERS)
def preview() -> ResponseReturnValue:
    """What the command would do now: its dry run, from one snapshot."""
    with reading("accounting") as session:
        report = command.dry_run(session, books(), command.Limits())
    return page("preview", report=report)
