"""Whole pages of entries: one account's sheet, and the list of all entries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Person
from ates.accounting.queries import accounts, days, ledger
from ates.accounting.queries.accounts import Standing
from ates.accounting.queries.rows import Page, Place, Scope, Total
from ates.web.watermark import Watermark, watermark

Cut = Callable[[int], Scope]


@dataclass(frozen=True)
class Sheet:
    """One account: where it stands, and a page of its ledger with the sum of all that match."""

    standing: Standing
    page: Page
    total: Total
    mark: Watermark


@dataclass(frozen=True)
class EntryList:
    """Entries of everybody, with the sum of all that match."""

    page: Page
    total: Total
    user: str | None  # the name of the person the list is narrowed to
    mark: Watermark


def sheet(session: Session, person_id: UUID, cut: Cut, place: Place, *, at: datetime) -> Sheet:
    """The sheet of a person; `cut` makes the scope once the account is known."""
    standing = accounts.standing(session, person_id, days.day_at(session, at))
    page, total = Page(()), Total(0, 0)
    if standing.account_id is not None:
        scope = cut(standing.account_id)
        page, total = ledger.lines(session, scope, place), ledger.total(session, scope)
    return Sheet(standing, page, total, watermark(session, "accounting"))


def entry_list(
    session: Session, scope: Scope, place: Place, *, user: UUID | None, task: int | None
) -> EntryList:
    """Entries of a scope, narrowed to a person and a task's number; unknown ones match none."""
    narrowed, name = narrow(session, scope, user=user, task=task)
    mark = watermark(session, "accounting")
    if narrowed is None:
        return EntryList(Page(()), Total(0, 0), name, mark)
    page = ledger.lines(session, narrowed, place)
    return EntryList(page, ledger.total(session, narrowed), name, mark)


def narrow(
    session: Session, scope: Scope, *, user: UUID | None, task: int | None
) -> tuple[Scope | None, str | None]:
    """A scope narrowed to a person and a task's number, and the person's name.

    None instead of a scope that nothing can match: of somebody without an account, of no task.
    """
    name, known = None, True
    changes: dict[str, object] = {}
    if user is not None:
        found = session.execute(
            select(Account.id, Person.name)
            .outerjoin(Person, Person.person_id == Account.person_id)
            .where(Account.person_id == user)
        ).one_or_none()
        known = found is not None
        if found is not None:
            changes["account_id"], name = found.id, found.name
    if task is not None:
        changes["task_id"] = ledger.task_of(session, task)
        known = known and changes["task_id"] is not None
    return (Scope(**{**vars(scope), **changes}) if known else None), name
