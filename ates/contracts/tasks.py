"""What tasks tells the others."""

import re
from typing import Annotated
from uuid import UUID

from ates.kernel.events import Data, Pattern, event, upcast

JIRA_ID = r"[A-Z][A-Z0-9]{0,19}-[1-9][0-9]{0,8}"

# The five forms in which people wrote the id into the title before it had its own field (R9).
_SPLIT = re.compile(
    # Latin letters only: without `a`, ignoring case lets a long s or the Kelvin sign into an id.
    rf"\s*(?:\[(?P<boxed>(?a:{JIRA_ID}))\]\s*(?:[-—–:]\s*)?"
    rf"|(?P<bare>(?a:{JIRA_ID}))(?:\s+[-—–]\s+|:\s+))(?P<title>.*\S)\s*",
    re.IGNORECASE | re.DOTALL,
)


def split_title(title: str) -> tuple[str | None, str]:
    """The Jira id that stands in front of a title, and the rest; (None, title) without one.

    Knows `[ID] - t`, `[ID] t`, `ID - t`, `ID — t` and `ID: t` (R9). The id comes back in capitals.
    """
    found = _SPLIT.fullmatch(title)
    if found is None:
        return None, title
    return (found["boxed"] or found["bare"]).upper(), found["title"]


def without_brackets(title: str) -> str:
    """Square brackets become round ones."""
    return title.replace("[", "(").replace("]", ")")


@event("tasks.task_created", version=2, key="task_id")
class TaskCreated:
    """A task was written down; its first assignment follows as `TaskAssigned` number 1."""

    task_id: UUID
    key_version: int
    number: int  # the task's number for people, 1, 2, 3 …
    title: Annotated[str, Pattern(r"[^\[\]]+")]
    jira_id: str | None = None
    description: str | None = None
    created_by: UUID


@upcast("tasks.task_created", from_version=1)
def part_jira_id(data: Data) -> Data:
    """Version 1 had the Jira id inside the title."""
    jira_id, title = split_title(data["title"])
    return {**data, "title": without_brackets(title) or "-", "jira_id": jira_id}


@event("tasks.task_retitled", version=1, key="task_id")
class TaskRetitled:
    """Title or Jira id were put right, without a second creation."""

    task_id: UUID
    key_version: int
    title: Annotated[str, Pattern(r"[^\[\]]+")]
    jira_id: str | None = None


@event("tasks.task_assigned", version=1, key="task_id")
class TaskAssigned:
    """A task got an assignee: at its creation, in a shuffle, or because its assignee left."""

    task_id: UUID
    key_version: int
    number: int  # of the assignment: 1 at creation, +1 with each redraw
    assignee_id: UUID


@event("tasks.task_completed", version=1, key="task_id")
class TaskCompleted:
    """Its assignee finished a task. A task completes once (R8)."""

    task_id: UUID
    key_version: int
    assignee_id: UUID
