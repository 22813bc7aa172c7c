"""The manifest of operations."""

from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_
from ates.ops.desk import commands
from ates.ops.models import Base, Request
from ates.ops.views import pages

context = Context(
    name="ops",
    tables=Base.metadata,
    pages=pages,
    commands=commands,
    nav=(NavItem("ops.overview", N_("Operations"), "o"),),
    requests=Request,
)
