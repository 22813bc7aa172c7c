"""Fairness in the open: for everybody, since everybody pays fees that were drawn."""

from flask.typing import ResponseReturnValue

from ates.accounting import fairness as fair
from ates.accounting.forms import PriceForm
from ates.accounting.gate import books
from ates.accounting.views.blueprint import page, pages
from ates.kernel.db import reading
from ates.web.access import EVERYBODY, allow
from ates.web.formats import money


@pages.get("/fairness")
@allow(EVERYBODY)
def fairness() -> ResponseReturnValue:
    """What was drawn against what was promised, the commitment to the key, one price again."""
    form, keyring = PriceForm.asked(), books().keyring
    with reading("accounting") as session:
        drawn = fair.distributions(session)
        again = fair.recompute(session, form.task, keyring) if form.task else None
    return page(
        "fairness",
        form=form,
        drawn=drawn,
        charts={each.kind: [(money(cents), tasks) for cents, tasks in each.bars] for each in drawn},
        again=again,
        commitments=fair.commitments(keyring),
        current=keyring.current,
    )
