"""The audit log of accounting as a page shows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.models import Audit, Person
from ates.accounting.queries.rows import Who

PAGE = 50


@dataclass(frozen=True)
class Act:
    """One row: who did what, to what."""

    number: int
    at: datetime
    actor: Who | None  # None: a command, or the house itself
    act: str
    object: str
    before: str | None  # JSON
    after: str | None
    reason: str | None


@dataclass(frozen=True)
class ActPage:
    """Newest first."""

    rows: tuple[Act, ...]
    older: int | None


def acts(session: Session, *, after: int | None = None) -> ActPage:
    """A page of the audit log, below the row numbered `after`."""
    query = (
        select(Audit, Person.name)
        .outerjoin(Person, Person.person_id == Audit.actor)
        .order_by(Audit.number.desc())
        .limit(PAGE + 1)
    )
    if after is not None:
        query = query.where(Audit.number < after)
    rows = [
        Act(
            number=row.number,
            at=row.at,
            actor=Who(row.actor, name) if row.actor else None,
            act=row.act,
            object=row.object,
            before=row.before,
            after=row.after,
            reason=row.reason,
        )
        for row, name in session.execute(query)
    ]
    return ActPage(tuple(rows[:PAGE]), rows[PAGE - 1].number if len(rows) > PAGE else None)
