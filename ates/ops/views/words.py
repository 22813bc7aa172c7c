"""Words of operations that are made of figures: spans of time, what a worker does."""

from datetime import timedelta

from ates.web.formats import number
from ates.web.i18n import gettext


def span(time: timedelta) -> str:
    """`12 s`, `3 min 12 s`, `2 h 5 min`, `3 d`: how long something waits."""
    seconds = max(0, int(time.total_seconds()))
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 1:
        return gettext("%(seconds)s s", seconds=seconds)
    if hours < 1:
        return gettext("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=seconds % 60)
    if hours < 48:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
    return gettext("%(days)s d", days=number(hours // 24))


def doing(what: str) -> str:
    """What a worker says it does (`kernel.life`), for people."""
    verb, _, name = what.partition(" ")
    if verb == "drain":
        return gettext("delivers to %(part)s", part=name)
    if verb == "attend":
        return gettext("works on %(name)s", name=name)
    if verb == "send":
        return gettext("sends letters")
    return gettext("waits for work")
