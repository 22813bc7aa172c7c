"""What operators type: which parked events, and why something is given up."""

from enum import StrEnum

from ates.kernel.errors import N_
from ates.web.forms import Form, choice, line, reason, tick


class State(StrEnum):
    """How an event is parked."""

    RETRY = "retry"
    DEAD = "dead"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


class Search(Form):
    """The filter of the list; it lives in the address."""

    state = choice(State)
    consumer = line(100)
    type = line(100)
    q = line(100)
    after = line(400)


class Reach(StrEnum):
    """How many of the newest days a page compares; the command takes any number."""

    FEW = "3"
    WEEK = "7"
    FORTNIGHT = "14"


class Days(Form):
    """`days`; wrong values fall back to a week."""

    days = choice(Reach)

    @property
    def reach(self) -> Reach:
        return self.days or Reach.WEEK


class Skip(Form):
    """Giving an event up at one consumer."""

    consumer = line(100, required=N_("Choose one of the list."))
    reason = reason()


class Release(Form):
    """Deciding about a staged event that is held."""

    discard = tick()
    reason = reason()


class Pause(Form):
    """Stopping a consumer."""

    reason = reason()
