"""The manifest of auth."""

from ates.auth import gate
from ates.auth.api import api
from ates.auth.bulk import Registrar
from ates.auth.cli import commands
from ates.auth.demo import demo
from ates.auth.models import Base, Letter, Request
from ates.auth.queries import traces
from ates.auth.verify import verify
from ates.auth.views import pages
from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_
from ates.kernel.mail import LetterBox
from ates.kernel.trace import Trace

context = Context(
    name="auth",
    tables=Base.metadata,
    pages=pages,
    api=api,
    commands=commands,
    nav=(NavItem("auth.people", N_("People"), "p"),),
    letters=(LetterBox("auth", Letter, gate.compose),),
    requests=Request,
    gate=gate.SessionGate(),
    setup=gate.init_app,
    verify=verify,
    demo=demo,
    bulk=Registrar,
    trace=Trace(made=traces.made),
)
