"""The manifest of tasks."""

from uuid import UUID

from ates.kernel.context import Context, NavItem
from ates.kernel.db import reading
from ates.kernel.errors import N_
from ates.kernel.tally import Tracker
from ates.kernel.trace import Trace
from ates.tasks import queries, shuffling
from ates.tasks.api import api
from ates.tasks.bulk import Clerk
from ates.tasks.cli import commands
from ates.tasks.demo import demo
from ates.tasks.handlers import inbox
from ates.tasks.models import Base, Request
from ates.tasks.queries import tally, traces
from ates.tasks.verify import verify
from ates.tasks.views import pages


def pending(person: UUID) -> int:
    """For the chip: own done tasks whose reward is not booked yet."""
    with reading("tasks") as session:
        return queries.pending_count(session, person)


context = Context(
    name="tasks",
    tables=Base.metadata,
    pages=pages,
    api=api,
    inbox=inbox,
    commands=commands,
    nav=(
        NavItem("tasks.mine", N_("My tasks"), "m"),
        NavItem("tasks.browse", N_("All tasks"), "t"),
    ),
    duties=(shuffling.CHUNKS,),
    requests=Request,
    verify=verify,
    frame={"pending": pending},
    demo=demo,
    bulk=Clerk,
    tally=Tracker(tally.count, tally.facts),
    trace=Trace(stream=traces.stream_of),
)
