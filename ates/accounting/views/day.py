"""One business day: its figures, its hours, its anomalies."""

from zoneinfo import ZoneInfo

from flask import current_app
from flask.typing import ResponseReturnValue

from ates.accounting.queries import anomalies as odd
from ates.accounting.queries import hours as by_hour
from ates.accounting.queries import ledger, oneday
from ates.accounting.queries.panel import panel
from ates.accounting.views.blueprint import day_in, page, pages
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import BOOKKEEPERS, allow
from ates.web.watermark import watermark


@pages.get("/days/<day>")
@allow(BOOKKEEPERS)
def day(day: str) -> ResponseReturnValue:
    """Its sums, what it waits for, whether they agree, its late entries."""
    with reading("accounting") as session:
        detail = oneday.one_day(session, day_in(day), at=clock.now())
        figures = detail.figures
        trouble = panel(session, [figures]).of(figures.day)
        some = figures.day, figures.numbers
        late = ledger.late_entries(session, *some) if trouble.late else ()
        mark = watermark(session, "accounting")
    return page("day", detail=detail, figures=figures, late=late, trouble=trouble, mark=mark)


@pages.get("/days/<day>/hours")
@allow(BOOKKEEPERS)
def hours(day: str) -> ResponseReturnValue:
    """The day by the hour, counted from its entries."""
    now = clock.now()
    with reading("accounting") as session:
        found = by_hour.hours(session, oneday.begun(session, day_in(day), at=now), at=now)
        mark = watermark(session, "accounting")
    zone = ZoneInfo(current_app.extensions["ates.config"].timezone)
    rows = [(f"{each.begins.astimezone(zone):%H:%M}", each) for each in found.hours if each.begins]
    return page(
        "hours",
        found=found,
        figures=found.figures,
        rows=rows,
        chart=[(label, each.income_cents) for label, each in rows],
        mark=mark,
    )


@pages.get("/days/<day>/anomalies")
@allow(BOOKKEEPERS)
def anomalies(day: str) -> ResponseReturnValue:
    """What of the day wants a look (books.md, chapter 12)."""
    with reading("accounting") as session:
        found = odd.day_anomalies(session, day_in(day), at=clock.now())
        mark = watermark(session, "accounting")
    return page("anomalies", found=found, figures=found.figures, most=odd.SHOWN, mark=mark)
