"""The manifest of accounting."""

from ates.accounting import gate, holds
from ates.accounting.api import api
from ates.accounting.bulk import Bookkeeper
from ates.accounting.cli import commands
from ates.accounting.demo import demo
from ates.accounting.handlers import inbox
from ates.accounting.models import Base, PayoutLetter, Request
from ates.accounting.queries import traces
from ates.accounting.views import chip_balance, pages
from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_
from ates.kernel.mail import LetterBox
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
    letters=LetterBox("accounting", PayoutLetter, gate.compose, holds.letters_stand),
    requests=Request,
    frame={"balance": chip_balance},
    setup=gate.init_app,
    verify=gate.verify,
    figures=gate.figures,
    demo=demo,
    bulk=Bookkeeper,
    trace=Trace(made=traces.made),
)
