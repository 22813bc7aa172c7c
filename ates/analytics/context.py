"""The manifest of analytics."""

from collections.abc import Sequence

from ates.analytics.api import api
from ates.analytics.bulk import Counter
from ates.analytics.cli import commands
from ates.analytics.handlers import inbox
from ates.analytics.models import Base
from ates.analytics.queries import tally
from ates.analytics.verify import verify
from ates.analytics.views import pages
from ates.kernel.context import Context, NavItem
from ates.kernel.db import reading
from ates.kernel.errors import N_
from ates.kernel.tally import Follower


def check(full: bool) -> Sequence[str]:
    """What does not hold, for `flask ops verify`."""
    with reading("analytics") as session:
        return verify(session, full=full).differences


context = Context(
    name="analytics",
    tables=Base.metadata,
    pages=pages,
    api=api,
    inbox=inbox,
    commands=commands,
    nav=(NavItem("analytics.overview", N_("Analytics"), "s"),),
    bulk=Counter,
    verify=check,
    tally=Follower(tally.follow),
)
