"""The page on which tracker, ledger and analytics stand side by side, day by day."""

from typing import Any

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from ates.config import Config
from ates.kernel import clock
from ates.kernel.db import reading
from ates.ops import reconciliation as parts
from ates.ops.forms import Days, Reach
from ates.ops.views.blueprint import pages
from ates.web.access import BOOKKEEPERS, allow, rule_of
from ates.web.i18n import sentence
from ates.web.identity import who


@pages.get("/reconciliation")
@allow(BOOKKEEPERS)
def reconciliation() -> ResponseReturnValue:
    """The newest days in figures of every part, what differs or is on its way, and what to do."""
    reach, config = Days.asked().reach, current_app.extensions["ates.config"]
    assert isinstance(config, Config)
    contexts: Any = current_app.extensions["ates.contexts"]
    with reading("ops") as session:
        found = parts.reconcile(session, contexts, at=clock.now(), days=int(reach))
    return render_template(
        "ops/reconciliation.html",
        found=found,
        reach=int(reach),
        reaches=[int(each) for each in Reach],
        booked={left: right for left, (right, _) in parts.BOOKED.items()},
        zone=config.timezone,
        sentence=sentence,
        opens=_opens,
    )


def _opens(endpoint: str) -> bool:
    """Whether the reader may open a page: a link that leads to a refusal is not drawn."""
    rule = rule_of(current_app, endpoint)
    return rule is not None and rule.admits(who())
