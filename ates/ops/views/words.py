"""Words of operations that are made of figures: what a worker does."""

from ates.web.i18n import gettext


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
