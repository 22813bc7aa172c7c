"""All tasks: the filter that lives in the address, and the pages it gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from ates.tasks import titles
from ates.tasks.models import Assignee, Assignment, Task, Word
from ates.tasks.queries.keyset import Order, page
from ates.tasks.queries.rows import TaskRow, Who, row, tasks_with_names

SUGGESTED = 20
QUERY_LENGTH = 100
ORDERS = {
    "newest": Order((Task.number,)),
    "oldest": Order((Task.number,), descending=False),
    "reward": Order((Task.worth_cents, Task.number)),
}
_NUMBER = re.compile(r"(?:№|#|no\.?)?\s*(\d{1,18})", re.IGNORECASE | re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9]{0,19}(?:-[0-9]{0,9})?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Filter:
    """What All tasks shows; empty fields leave everything in."""

    q: str = ""
    status: str = ""
    assignees: Sequence[UUID] | None = None  # none of these people: nothing is found
    shuffle: int | None = None
    since: datetime | None = None  # created at or after
    until: datetime | None = None  # created before
    sort: str = "newest"


@dataclass(frozen=True)
class Found:
    """One page of tasks."""

    rows: list[TaskRow]
    newer: str | None
    older: str | None


def find(
    session: Session, wanted: Filter, *, viewer: UUID, cursor: str | None, at: datetime
) -> Found:
    """Tasks that match, sorted and paged by key; no total, which a big list cannot afford."""
    query = tasks_with_names().where(*rules(wanted))
    found = page(session, query, ORDERS.get(wanted.sort, ORDERS["newest"]), cursor)
    return Found([row(each, viewer, at) for each in found.rows], found.newer, found.older)


def rules(wanted: Filter) -> list[ColumnElement[bool]]:
    """The filter as conditions."""
    found: list[ColumnElement[bool]] = []
    if wanted.q.strip():
        found.append(_matches(wanted.q.strip()[:QUERY_LENGTH]))
    if wanted.status:
        found.append(Task.status == wanted.status)
    if wanted.assignees is not None:
        found.append(Task.assignee_id.in_(wanted.assignees))
    if wanted.shuffle is not None:
        drawn = select(Assignment.task_id).where(Assignment.run == wanted.shuffle)
        found.append(Task.id.in_(drawn))
    if wanted.since is not None:
        found += [Task.created_at >= wanted.since]
    if wanted.until is not None:
        found += [Task.created_at < wanted.until]
    return found


def people_called(session: Session, text: str) -> list[Who]:
    """At most twenty people whose name has `text` in it, without regard to case."""
    found = session.execute(
        select(Assignee.id, Assignee.name)
        .where(Assignee.name_key.contains(titles.folded(text.strip()), autoescape=True))
        .order_by(Assignee.name_key, Assignee.id)
        .limit(SUGGESTED)
    )
    return [Who(each.id, each.name) for each in found]


def _matches(q: str) -> ColumnElement[bool]:
    """A number finds the task, `POPUG-12` keys that begin so, words titles with all of them."""
    if number := _NUMBER.fullmatch(q):
        return Task.number == int(number[1])
    words = titles.words(q)
    if not words:  # only signs: nothing is called so
        return false()
    in_title = and_(*(Task.id.in_(select(Word.task_id).where(_begins(each))) for each in words))
    if not _KEY.fullmatch(q):
        return in_title
    key = q.upper()
    in_key = and_(Task.jira_id >= key, Task.jira_id < key + "\U0010ffff")
    return or_(in_key, in_title)


def _begins(word: str) -> ColumnElement[bool]:
    return and_(Word.word >= word, Word.word < word + "\U0010ffff")
