"""What people type into the pages of tasks, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from ates.kernel.errors import Invalid
from ates.tasks import titles
from ates.tasks.models import Status
from ates.tasks.queries.listing import QUERY_LENGTH
from ates.tasks.titles import SplitOffered, Wording
from ates.web.forms import Field, Form, Wrong, choice, day, line, whole

T = TypeVar("T")

_YEARS = range(1970, 3000)  # beyond them zones and calendars have no borders
_PROJECT = re.compile(r"[A-Z][A-Z0-9]{0,19}-", re.ASCII)


def typed() -> Field[str]:
    """Text as it was typed: the rules of titles have sentences of their own (R9)."""
    return Field(str, "", trim=False)


class NewTask(Form):
    """A new task. `project` is the prefix the Jira id was filled with after *add another*."""

    title = typed()
    jira_id = typed()
    description = typed()
    project = typed()

    def wording(self) -> Wording:
        """What to create the task with. Raises Invalid; an offered split is filled in."""
        jira_id = self.values["jira_id"].strip()
        if jira_id and jira_id == self.values["project"]:
            jira_id = ""  # only the prefix, as it came: no id was typed
        try:
            return titles.checked(self.values["title"], jira_id, self.values["description"])
        except SplitOffered as offer:
            self.values |= {"title": offer.title, "jira_id": offer.jira_id}
            raise


def project_of(jira_id: str | None) -> str:
    """`POPUG-` of `POPUG-42`."""
    return "" if jira_id is None else jira_id.partition("-")[0] + "-"


def blank(project: str) -> NewTask:
    """An empty form, with the project's prefix where there is one."""
    known = project if _PROJECT.fullmatch(project) else ""
    return NewTask({"jira_id": known, "project": known})


@dataclass(frozen=True)
class Search:
    """The filter of All tasks as its address says it; what cannot be read is left out."""

    q: str
    status: Status | None
    assignee: str
    shuffle: int | None
    first: date | None
    last: date | None
    sort: str
    left_out: tuple[str, ...]  # names of parameters with wrong values


def search(asked: Mapping[str, str]) -> Search:
    """Read the address. Never raises."""
    wrong: list[str] = []

    def take(name: str, field: Field[T]) -> T:
        try:
            return field.take(asked.get(name, ""))
        except (Wrong, Invalid):
            wrong.append(name)
            return field.empty

    def take_day(name: str) -> date | None:
        found = take(name, day())
        if found is not None and found.year not in _YEARS:
            wrong.append(name)
            return None
        return found

    return Search(
        q=take("q", line(QUERY_LENGTH)),
        status=take("status", choice(Status)),
        assignee=take("assignee", line(QUERY_LENGTH)),
        shuffle=take("shuffle", whole(1, 10**15)),
        first=take_day("from"),
        last=take_day("to"),
        sort=take("sort", line(20)),
        left_out=tuple(wrong),
    )
