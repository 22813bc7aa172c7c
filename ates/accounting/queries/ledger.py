"""Lists of entries: each found by the ranges that the sums know, so no list needs a date index."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ates.accounting.models import (
    Account,
    AccountDay,
    Block,
    Card,
    DayTotal,
    Entry,
    PayoutLetter,
    Person,
)
from ates.accounting.queries.corrections import line_of, with_notes
from ates.accounting.queries.rows import KINDS, Line, Link, Page, Place, Scope, Total
from ates.kernel.errors import N_, NotFound

PAGE = 50
SHOWN = 160  # characters of a description in a list


def lines(session: Session, scope: Scope, place: Place, *, limit: int = PAGE) -> Page:
    """One page, in the order of booking. Two statements at most, whatever the size of the books."""
    key, conditions = key_of(scope), matching(session, scope)
    if conditions is None:
        return Page(())
    query = _lines().where(*conditions).limit(limit + 1)
    if place.before is not None:
        found = _found(session, query.where(key > place.before).order_by(key), key.key)
        return _backward(found, limit, scope)
    if place.after is not None:
        query = query.where(key < place.after)
    found = _found(session, query.order_by(key.desc()), key.key, newest=True)
    return _forward(found, limit, scope, begun=place.after is not None)


def total(session: Session, scope: Scope) -> Total:
    """The sum of a scope, from the sums that are kept beside the entries."""
    if scope.task_id is not None:
        query = select(func.coalesce(func.sum(Entry.amount_cents), 0), func.count())
        amount, entries = session.execute(query.where(*_conditions(scope))).one()
        return Total(int(amount), entries)
    if scope.account_id is not None:
        return _account_total(session, scope)
    query = select(
        func.coalesce(func.sum(DayTotal.amount_cents), 0),
        func.coalesce(func.sum(DayTotal.entries), 0),
    )
    amount, entries = session.execute(query.where(*_day_totals(scope))).one()
    return Total(int(amount), int(entries))


def entry(session: Session, entry_no: int) -> tuple[Line, Link | None]:
    """One entry and its block. Raises NotFound."""
    found = _found(session, _lines().where(Entry.entry_no == entry_no).limit(1), "entry_no")
    if not found:
        raise NotFound(N_("There is no entry with this number."))
    block = session.execute(
        select(Block.block_no, Block.hash)
        .where(Block.first_entry_no <= entry_no, Block.last_entry_no >= entry_no)
        .order_by(Block.first_entry_no.desc())
        .limit(1)
    ).one_or_none()
    whole = session.scalar(
        select(Card.description)
        .join(Entry, Entry.source_id == Card.task_id)
        .where(Entry.entry_no == entry_no)
    )
    link = Link(block.block_no, block.hash.hex()) if block else None
    return replace(found[0], description=whole), link


def late_entries(
    session: Session, day: date, between: tuple[int, int], *, limit: int = 20
) -> tuple[Line, ...]:
    """Entries that happened before the day they count in, by the range of the day's numbers."""
    rows = session.execute(
        _lines()
        .where(
            Entry.entry_no.between(*between),
            Entry.business_date == day,
            Entry.occurred_on < Entry.business_date,
        )
        .order_by(Entry.entry_no.desc())
        .limit(limit)
    )
    return tuple(Line(*row) for row in rows)


def lines_between(
    session: Session, account_id: int, days: tuple[date, date], seqs: tuple[int, int], *, limit: int
) -> tuple[Line, ...]:
    """Entries of one account that count in these days, by business date; `seqs` contains them."""
    query = (
        _lines()
        .where(
            Entry.account_id == account_id,
            Entry.account_seq.between(*seqs),
            Entry.business_date.between(*days),
        )
        .order_by(Entry.business_date, Entry.account_seq)
        .limit(limit)
    )
    return tuple(_found(session, query, "business_date", "account_seq"))


def key_of(scope: Scope) -> InstrumentedAttribute[int]:
    """What puts the entries of a scope into the order of booking."""
    return Entry.entry_no if scope.account_id is None else Entry.account_seq


def matching(session: Session, scope: Scope) -> list[ColumnElement[bool]] | None:
    """What narrows entries to a scope, with the range of their numbers; None if nothing can match.

    One statement at most: days are found by the sums that know their range.
    """
    conditions = _conditions(scope)
    if scope.dated:
        low, high = _range(session, scope)
        if low is None or high is None:
            return None
        conditions.append(key_of(scope).between(low, high))
    return conditions


def marked(session: Session, marks: Subquery) -> list[tuple[Any, Line]]:
    """Entries that a question for `what` and `entry_no` finds, in their order, each with `what`."""
    question = _lines().add_columns(marks.c.what).join(marks, marks.c.entry_no == Entry.entry_no)
    rows = session.execute(question.order_by(Entry.entry_no))
    return [(what, Line(*values)) for *values, what in rows]


def task_of(session: Session, number: int) -> UUID | None:
    """The id of the task with this number, if accounting has heard how it is called."""
    return session.scalar(select(Card.task_id).where(Card.number == number).limit(1))


# --- how -----------------------------------------------------------------------------------------


def _found(
    session: Session, query: Select[*tuple[Any, ...]], *order: str, newest: bool = False
) -> list[Line]:
    """The lines of a limited query, with the notes of corrections, in this order."""
    return [line_of(row) for row in session.execute(with_notes(query, *order, newest=newest))]


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Entry.entry_no,
            Entry.account_seq,
            Account.person_id,
            Person.name,
            Entry.kind,
            Entry.source_no,
            Entry.amount_cents,
            Entry.balance_cents,
            Entry.business_date,
            Entry.occurred_on,
            Entry.occurred_at,
            Entry.posted_at,
            Entry.event_id,
            Card.number,
            Card.title,
            Card.jira_id,
            func.substr(Card.description, 1, SHOWN),
            PayoutLetter.state,
            Entry.source_id,
        )
        .join(Account, Account.id == Entry.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(Card, Card.task_id == Entry.source_id)
        .outerjoin(
            PayoutLetter,
            and_(
                Entry.kind == "payout",
                PayoutLetter.business_date == Entry.business_date,
                PayoutLetter.account_id == Entry.account_id,
            ),
        )
    )


def _conditions(scope: Scope) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = _dates(scope, Entry.business_date)
    if scope.account_id is not None:
        conditions.append(Entry.account_id == scope.account_id)
    if scope.task_id is not None:
        kinds = [kind for kind in scope.kinds if kind in ("fee", "reward")]
        conditions += [Entry.kind.in_(kinds), Entry.source_id == scope.task_id]
    elif scope.kinds != KINDS:
        conditions.append(Entry.kind.in_(scope.kinds))
    return conditions


def _dates(scope: Scope, column: InstrumentedAttribute[date]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if scope.first is not None:
        conditions.append(column >= scope.first)
    if scope.last is not None:
        conditions.append(column <= scope.last)
    return conditions


def _day_totals(scope: Scope) -> list[ColumnElement[bool]]:
    return [*_dates(scope, DayTotal.business_date), DayTotal.kind.in_(scope.kinds)]


def _range(session: Session, scope: Scope) -> tuple[int | None, int | None]:
    """The first and last number that can belong to these days (books.md, chapter 12)."""
    if scope.account_id is None:
        query = select(func.min(DayTotal.first_entry_no), func.max(DayTotal.last_entry_no))
        query = query.where(*_day_totals(scope))
    else:
        query = select(func.min(AccountDay.first_seq), func.max(AccountDay.last_seq)).where(
            AccountDay.account_id == scope.account_id, *_dates(scope, AccountDay.business_date)
        )
    low, high = session.execute(query).one()
    return low, high


def _account_total(session: Session, scope: Scope) -> Total:
    columns = [getattr(AccountDay, f"{kind}_cents") for kind in scope.kinds]
    amount, entries = session.execute(
        select(
            *(func.coalesce(func.sum(sum(columns[1:], columns[0])), 0),),
            func.coalesce(func.sum(AccountDay.entries), 0),
        ).where(AccountDay.account_id == scope.account_id, *_dates(scope, AccountDay.business_date))
    ).one()
    return Total(int(amount), int(entries) if scope.kinds == KINDS else None)


def _key(line: Line, scope: Scope) -> int:
    return line.entry_no if scope.account_id is None else line.account_seq


def _forward(found: Sequence[Line], limit: int, scope: Scope, *, begun: bool) -> Page:
    shown = tuple(found[:limit])
    newer = _key(shown[0], scope) if begun and shown else None
    older = _key(shown[-1], scope) if len(found) > limit else None
    return Page(shown, newer, older)


def _backward(found: Sequence[Line], limit: int, scope: Scope) -> Page:
    shown = tuple(reversed(found[:limit]))
    if not shown:
        return Page(())
    newer = _key(shown[0], scope) if len(found) > limit else None
    return Page(shown, newer, _key(shown[-1], scope))
