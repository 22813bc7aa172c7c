"""The audit log: who corrected, held, exported, and who looked at whose account."""

from flask import url_for
from flask.typing import ResponseReturnValue

from ates.accounting.forms import PlaceFilter
from ates.accounting.queries import audit as record
from ates.accounting.views.blueprint import page, pages
from ates.kernel.db import reading
from ates.web.access import ADMINS, allow


@pages.get("/audit/")
@allow(ADMINS)
def audit() -> ResponseReturnValue:
    """Every act, the newest first."""
    form = PlaceFilter.asked()
    with reading("accounting") as session:
        found = record.acts(session, after=form.after)
    older = found.older and url_for(".audit", after=found.older)
    return page("audit", page=found, older=older)
