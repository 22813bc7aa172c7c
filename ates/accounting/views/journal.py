"""The general ledger as an auditor knows it: journal and trial balance."""

from flask.typing import ResponseReturnValue

from ates.accounting.forms import JournalFilter, TrialFilter
from ates.accounting.queries import journal as bookings
from ates.accounting.queries import trial
from ates.accounting.views.blueprint import page, pages, places, visited
from ates.kernel.db import reading
from ates.web.access import BOOKKEEPERS, allow
from ates.web.watermark import watermark


@pages.get("/journal/")
@allow(BOOKKEEPERS)
def journal() -> ResponseReturnValue:
    """Every entry as a debit and a credit, newest first."""
    form = JournalFilter.asked()
    with reading("accounting") as session:
        found = bookings.journal(session, form.scope(), form.place, user=form.user, task=form.task)
    recorded = form.user is not None and visited(form.user)
    beside = places("accounting.journal", form, found.page)
    shown = {"found": found, "form": form, "names": trial.NAMES, "recorded": recorded}
    return page("journal", **shown, **beside)


@pages.get("/trial-balance")
@allow(BOOKKEEPERS)
def trial_balance() -> ResponseReturnValue:
    """What each account stands at now, at the end of a day, or by the days of a range."""
    form = TrialFilter.asked()
    with reading("accounting") as session:
        found = trial.trial_balance(session, first=form.since, last=form.to)
        mark = watermark(session, "accounting")
    return page("trial", found=found, form=form, mark=mark)
