"""All tasks: the filter that lives in the address, and the pages it gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    and_,
    exists,
    false,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Session, aliased

from ates.tasks import titles
from ates.tasks.models import Assignee, Assignment, Task, Word
from ates.tasks.queries.keyset import Listing, Order, page
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
    listing = Listing(query, ORDERS.get(wanted.sort, ORDERS["newest"]))
    found = page(session, listing, cursor)
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
    return _found_by(session, words, q.upper() if _KEY.fullmatch(q) else "")


def _found_by(session: Session, words: Sequence[str], key: str) -> ColumnElement[bool]:
    """Tasks with all these words, or whose Jira id begins with `key`, from the cheaper side.

    Few are gathered first, led by the rarest word. What very many tasks have is asked of each task
    as the list is walked, whose page is soon full: gathering a million first would be late. (Two
    common words that never meet are walked for in vain; the statement's time-out ends that.)
    """
    other = aliased(Task)
    of_key = select(other.id.label("task_id")).where(_key_begins(other, key))
    of_words = [select(Word.task_id).where(_begins(Word, word)) for word in words]
    sought = [*of_words, of_key] if key else of_words
    *counts, last = session.execute(select(*(_up_to_common(each) for each in sought))).one()
    common_key, counts = (last >= COMMON, counts) if key else (False, [*counts, last])
    lead = counts.index(min(counts))
    rest = (word for place, word in enumerate(words) if place != lead)
    titled = of_words[lead].where(*(_has(Word.task_id, word) for word in rest))
    if min(counts) >= COMMON:
        walked = and_(*(_asked_of_each(Task.id, word) for word in words))
        return or_(_key_begins(Task, key), walked) if key else walked
    if common_key:
        return or_(_key_begins(Task, key), _among(titled))
    return _among(union(titled, of_key) if key else titled)


def _among(sought: Select[Any] | CompoundSelect[Any]) -> ColumnElement[bool]:
    """Tasks whose ids are gathered first, whatever the planner hopes."""
    hits = sought.cte("hits").prefix_with("MATERIALIZED", dialect="postgresql")
    return Task.id.in_(select(hits.c.task_id))


def _up_to_common(sought: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(sought.limit(COMMON).subquery()).scalar_subquery()


def _has(task_id: Any, word: str) -> ColumnElement[bool]:
    own = aliased(Word)
    return exists().where(own.task_id == task_id, _begins(own, word))


def _asked_of_each(task_id: Any, word: str) -> ColumnElement[bool]:
    """`_has`, never turned into a join: PostgreSQL would gather all tasks with the word after all,
    or start workers, which takes longer than to fill the page. To it an offset forbids that."""
    own = aliased(Word)
    there = select(own.task_id).where(own.task_id == task_id, _begins(own, word))
    return there.offset(0).exists()


def _key_begins(task: Any, key: str) -> ColumnElement[bool]:
    return and_(task.jira_id >= key, task.jira_id < key + "\U0010ffff")


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


def _begins(row: Any, word: str) -> ColumnElement[bool]:
    return and_(row.word >= word, row.word < word + "\U0010ffff")
