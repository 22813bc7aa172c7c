"""The manifest of analytics."""

from ates.analytics.bulk import Counter
from ates.analytics.cli import commands
from ates.analytics.handlers import inbox
from ates.analytics.models import Base
from ates.analytics.views import pages
from ates.kernel.context import Context, NavItem
from ates.kernel.errors import N_

context = Context(
    name="analytics",
    tables=Base.metadata,
    pages=pages,
    inbox=inbox,
    commands=commands,
    nav=(NavItem("analytics.overview", N_("Analytics"), "s"),),
    bulk=Counter,
)
