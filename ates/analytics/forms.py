"""What administrators ask for: periods and places in lists, read from the address and checked."""

from datetime import date
from typing import Any, Self

from ates.analytics.queries.board import Asked
from ates.analytics.queries.periods import Grain
from ates.kernel.errors import N_
from ates.web.forms import Form, amount, choice, day, line


class PeriodFilter(Form):
    """`period from to`: wrong values fall back to the last 30 days, and the page says so."""

    period = choice(Grain)
    vars()["from"] = day()  # the word in the address is a keyword of Python
    to = day()

    @classmethod
    def asked(cls) -> Self:
        form = super().asked()
        if form.since and form.to and form.since > form.to:
            for name in ("from", "to"):
                form.wrong[name] = N_("The end is before the beginning.")
                del form.clean[name]
        return form

    @property
    def since(self) -> date | None:
        found: date | None = self.clean.get("from")
        return found

    @property
    def grain(self) -> Grain:
        return self.period or Grain.DAY

    def wanted(self) -> Asked:
        """What the address asks for."""
        return Asked(self.grain, self.since, self.to)

    def with_period(self, grain: Grain) -> dict[str, Any]:
        """The address of the same days by another period."""
        dates = {"from": self.since, "to": self.to}
        return {"period": grain.value, **{name: each for name, each in dates.items() if each}}


class TaskFilter(PeriodFilter):
    """`from to reward after`: the tasks completed in a period at one reward."""

    reward = amount()
    after = line(400)


class PeopleFilter(Form):
    """`after`: a page of people."""

    after = line(400)
