"""The manifest of accounting."""

from ates.accounting import gate
from ates.accounting.api import api
from ates.accounting.bulk import Bookkeeper
from ates.accounting.cli import commands
from ates.accounting.demo import demo
from ates.accounting.handlers import inbox
from ates.accounting.models import Base, Request
from ates.accounting.queries import tally, traces
from ates.accounting.views import chip_balance, pages
from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_
from ates.kernel.tally import Ledger
from ates.kernel.trace import Trace

context = Context(
    name="accounting",
    tables=Base.metadata,
    pages=pages,
    api=api,
    inbox=inbox,
    commands=commands,
    nav=(
        NavItem("accounting.mine", N_("My account"), "a"),
        NavItem("accounting.overview", N_("Accounting"), "f"),
    ),
    letters=(gate.BOX, gate.SEALS),
    requests=Request,
    frame={"balance": chip_balance},
    setup=gate.init_app,
    verify=gate.verify,
    alarm=gate.alarm,
    figures=gate.figures,
    demo=demo,
    bulk=Bookkeeper,
    tally=Ledger(tally.days, tally.count, tally.facts, tally.unheard),
    trace=Trace(made=traces.made),
)
