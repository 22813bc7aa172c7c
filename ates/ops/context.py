"""The manifest of operations."""

from flask import Flask

from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_
from ates.ops import metrics
from ates.ops.api import api
from ates.ops.desk import commands
from ates.ops.models import Base, Request
from ates.ops.views import machines, pages


def _setup(app: Flask) -> None:
    """Answers for machines have addresses of their own, at the root."""
    metrics.init_app(app)
    app.register_blueprint(machines)


context = Context(
    name="ops",
    tables=Base.metadata,
    pages=pages,
    api=api,
    commands=commands,
    nav=(NavItem("ops.overview", N_("Operations"), "o"),),
    requests=Request,
    setup=_setup,
)
