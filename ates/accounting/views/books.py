"""The books: income by day, and the entries behind every figure."""

from flask.typing import ResponseReturnValue

from ates.accounting.forms import EntryFilter
from ates.accounting.queries import corrections, days, holds, ledger, sheets
from ates.accounting.queries.panel import panel
from ates.accounting.views.blueprint import page, pages, places, visited
from ates.accounting.views.corrections import why_not_reversed
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import BOOKKEEPERS, allow
from ates.web.formats import day_text
from ates.web.watermark import watermark


@pages.get("/")
@allow(BOOKKEEPERS)
def overview() -> ResponseReturnValue:
    """Income today and by day, what is owed, and whether the books agree (R16, R18)."""
    now = clock.now()
    with reading("accounting") as session:
        last = days.last_days(session, at=now)
        books, mark = days.books(session), watermark(session, "accounting")
        troubles = panel(session, last)
        stop = holds.of_everything(session) if troubles.all_held else None
    return page(
        "overview",
        stop=stop,
        days=last,
        today=next((each for each in last if each.starts_at <= now < each.ends_at), None),
        books=books,
        mark=mark,
        troubles=troubles,
        now=now,
        unpaid=days.unpaid(last, at=now),
        chart=[(day_text(day, year=False), cents) for day, cents in days.bars(last)],
    )


@pages.get("/entries/")
@allow(BOOKKEEPERS)
def entries() -> ResponseReturnValue:
    """Every entry, newest first: where each figure leads."""
    form = EntryFilter.asked()
    with reading("accounting") as session:
        found = sheets.entry_list(session, form.scope(), form.place, user=form.user, task=form.task)
    recorded = form.user is not None and visited(form.user)
    beside = places("accounting.entries", form, found.page)
    return page("entries", found=found, form=form, recorded=recorded, **beside)


@pages.get("/entries/<int:number>")
@allow(BOOKKEEPERS)
def entry(number: int) -> ResponseReturnValue:
    """One entry, with its event and its place in the chain."""
    with reading("accounting") as session:
        line, block = ledger.entry(session, number)
        asked = corrections.of_entry(session, number)
    why = why_not_reversed(line, asked)
    return page("entry", line=line, block=block, asked=asked, why=why)
