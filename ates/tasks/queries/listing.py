"""All tasks: the filter that lives in the address, and the pages it gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

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
COMMON = 10_000  # tasks with a word; more make it a common one
BEYOND = 2**62  # no task has such a number
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
    query = tasks_with_names().where(*rules(session, wanted))
    found = page(session, query, ORDERS.get(wanted.sort, ORDERS["newest"]), cursor)
    return Found([row(each, viewer, at) for each in found.rows], found.newer, found.older)


def rules(session: Session, wanted: Filter) -> list[ColumnElement[bool]]:
    """The filter as conditions."""
    found: list[ColumnElement[bool]] = []
    if wanted.q.strip():
        found.append(_matches(session, wanted.q.strip()[:QUERY_LENGTH]))
    if wanted.status:
        found.append(Task.status == wanted.status)
    if wanted.assignees is not None:
        found.append(Task.assignee_id.in_(wanted.assignees))
    if wanted.shuffle is not None:
        drawn = select(Assignment.task_id).where(Assignment.run == wanted.shuffle)
        found.append(Task.id.in_(drawn))
    # Numbers are given in the order of time: a range of them is read, however far back it lies.
    if wanted.since is not None:
        found.append(Task.number >= _first_since(wanted.since))
    if wanted.until is not None:
        found.append(Task.number < func.coalesce(_first_since(wanted.until), BEYOND))
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


def _matches(session: Session, q: str) -> ColumnElement[bool]:
    """A number finds the task, `POPUG-12` keys that begin so, words titles with all of them."""
    if number := _NUMBER.fullmatch(q):
        return Task.number == int(number[1])
    words = titles.words(q)
    if not words:  # only signs: nothing is called so
        return false()
    in_title = _in_title(session, words)
    if not _KEY.fullmatch(q):
        return in_title
    key = q.upper()
    in_key = and_(Task.jira_id >= key, Task.jira_id < key + "\U0010ffff")
    return or_(in_key, in_title)


def _in_title(session: Session, words: Sequence[str]) -> ColumnElement[bool]:
    """Tasks with all these words, each looked up from its cheaper side.

    A rare word leads to its few tasks. A single common one is asked of each task as the list is
    walked, whose page is soon full: gathering a million of them first would be late. Of several
    common ones the rarest leads, since a walk might look for two that never meet.
    """
    few = [
        select(func.count())
        .select_from(select(Word.task_id).where(_begins(word)).limit(COMMON).subquery())
        .scalar_subquery()
        for word in words
    ]
    counts = session.execute(select(*few)).one()
    leads = min(counts) if len(words) > 1 else COMMON - 1
    return and_(
        *(
            Task.id.in_(select(Word.task_id).where(_begins(word)))
            if count < COMMON or count == leads
            else exists().where(Word.task_id == Task.id, _begins(word))
            for word, count in zip(words, counts, strict=True)
        )
    )


def _first_since(moment: datetime) -> ScalarSelect[int]:
    """The number of the first task created at that moment or later; NULL if there is none."""
    first = aliased(Task)
    return (
        select(first.number)
        .where(first.created_at >= moment)
        .order_by(first.created_at, first.number)
        .limit(1)
        .scalar_subquery()
    )


def _begins(word: str) -> ColumnElement[bool]:
    return and_(Word.word >= word, Word.word < word + "\U0010ffff")
