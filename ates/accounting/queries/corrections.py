"""Corrections: what is asked for, what was decided, and the notes on the entries they became."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from ates.accounting.models import Account, Adjustment, AdjustmentState, Card, Entry, Person
from ates.accounting.models.four_eyes import against_decision
from ates.accounting.queries.rows import Line, Note, Undone, Who
from ates.kernel.errors import N_, NotFound, Refusal

PAGE = 50
SUGGESTED = 20

_Owner, _Asker, _Decider = (aliased(Person, name=name) for name in ("owner", "asker", "decider"))
_Undone, _UndoneCard = aliased(Entry, name="undone"), aliased(Card, name="undone_card")
TOLD = (  # what a note is made of
    Adjustment.reason,
    Adjustment.requested_by,
    _Asker.name,
    Adjustment.decided_by,
    _Decider.name,
    _Undone.entry_no,
    _Undone.kind,
    _Undone.business_date,
    _UndoneCard.number,
    _UndoneCard.title,
)


@dataclass(frozen=True)
class Correction:
    """A correction with the people it is about."""

    id: UUID
    person: Who
    amount_cents: int
    reason: str
    reverses: int | None  # the number of an entry
    state: AdjustmentState
    requested_by: Who
    requested_at: datetime
    decided_by: Who | None
    decided_at: datetime | None
    entry_no: int | None

    @property
    def waits(self) -> bool:
        return self.state == "requested"

    def refusal(self, by: UUID) -> Refusal | None:
        """Why this person may not decide; None: they may."""
        return against_decision(requested_by=self.requested_by.id, owner=self.person.id, by=by)


@dataclass(frozen=True)
class Place:
    """Behind which correction a page begins."""

    waits: bool
    id: UUID

    def __str__(self) -> str:
        return f"{'waits' if self.waits else 'decided'}.{self.id}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is no place: the first page."""
        part, _, name = text.partition(".")
        try:
            return cls(part == "waits", UUID(name))
        except ValueError:
            return None


@dataclass(frozen=True)
class CorrectionPage:
    """Corrections that wait, then those that are decided; each the newest first."""

    rows: tuple[Correction, ...]
    older: Place | None


def page(
    session: Session, *, state: AdjustmentState | None = None, after: Place | None = None
) -> CorrectionPage:
    """A page of all corrections, or of those in one state. One statement."""
    wanted = _wanted(state, after, PAGE + 1)
    rows = session.execute(
        _corrections()
        .join(wanted, wanted.c.id == Adjustment.id)
        .order_by(wanted.c.rank, Adjustment.id.desc())
        .limit(PAGE + 1)
    )
    found = [_correction(row) for row in rows]
    shown = tuple(found[:PAGE])
    older = Place(shown[-1].waits, shown[-1].id) if len(found) > PAGE else None
    return CorrectionPage(shown, older)


def newest(
    session: Session, *, state: AdjustmentState | None, after: UUID | None, limit: int
) -> Sequence[Correction]:
    """Corrections for programs, the newest first."""
    query = _corrections().order_by(Adjustment.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Adjustment.state == state)
    if after is not None:
        query = query.where(Adjustment.id < after)
    return [_correction(row) for row in session.execute(query)]


def one(session: Session, correction_id: UUID) -> Correction:
    """Raises NotFound."""
    row = session.execute(_corrections().where(Adjustment.id == correction_id)).one_or_none()
    if row is None:
        raise NotFound(N_("There is no such correction."))
    return _correction(row)


def of_entry(session: Session, entry_no: int) -> tuple[Correction, ...]:
    """What was asked for to reverse this entry, the newest first, rejected requests too.

    Found by the account, which has an index: rejected requests have none by their entry.
    """
    account = select(Entry.account_id).where(Entry.entry_no == entry_no).scalar_subquery()
    rows = session.execute(
        _corrections()
        .where(Adjustment.account_id == account, Adjustment.reverses_entry_no == entry_no)
        .order_by(Adjustment.id.desc())
        .limit(PAGE)
    )
    return tuple(_correction(row) for row in rows)


def holder(session: Session, person_id: UUID) -> Who | None:
    """The person, if anything was ever booked for them."""
    row = session.execute(_holders().where(Account.person_id == person_id)).one_or_none()
    return Who(*row) if row is not None else None


def called(session: Session, text: str) -> tuple[Who, ...]:
    """At most twenty account holders whose name has `text` in it, without regard to case."""
    lowered = func.lower(Person.name).contains(text.lower(), autoescape=True)
    # SQLite lowers ASCII alone: a Russian name is found as it is written, or with its capitals.
    as_written = (Person.name.contains(each, autoescape=True) for each in (text, text.title()))
    query = _holders().where(or_(lowered, *as_written)).order_by(Person.name, Account.id)
    return tuple(Who(*row) for row in session.execute(query.limit(SUGGESTED)))


def with_notes(
    query: Select[*tuple[Any, ...]], *order: str, newest: bool = False
) -> Select[*tuple[Any, ...]]:
    """The lines of a limited query and what their notes are made of, in one statement.

    The query stays a step of its own: planned together, so many joins take longer than they run.
    """
    lines = query.subquery()
    decided = and_(lines.c.kind == "adjustment", Adjustment.id == lines.c.source_id)
    joined = select(*lines.c, *TOLD).select_from(lines).outerjoin(Adjustment, decided)
    keys = (lines.c[name].desc() if newest else lines.c[name] for name in order)
    return _reasons(joined).order_by(*keys)


def line_of(row: Any) -> Line:
    """A row of `with_notes`."""
    line, told = Line(*row[: -len(TOLD)]), row[-len(TOLD) :]
    return line if told[0] is None else replace(line, note=_note(*told))


# --- how ------------------------------------------------------------------------------------------


def _wanted(state: AdjustmentState | None, after: Place | None, limit: int) -> Any:
    """The ids of a page: each part is read by its own index, as far as the page reaches."""
    parts = []
    for rank, waits in enumerate((True, False)):
        query = select(Adjustment.id, literal(rank).label("rank")).order_by(Adjustment.id.desc())
        if state is not None:
            query = query.where(Adjustment.state == state)
        of_part = Adjustment.state == "requested" if waits else Adjustment.state != "requested"
        query = query.where(of_part).limit(limit)
        if after is not None and after.waits == waits:
            query = query.where(Adjustment.id < after.id)
        if after is None or after.waits or not waits:  # else this part was shown before
            parts.append(select(query.subquery()))
    return union_all(*parts).subquery()


def _corrections() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Adjustment,
            Account.person_id,
            _Owner.name,
            _Asker.name,
            _Decider.name,
        )
        .join(Account, Account.id == Adjustment.account_id)
        .outerjoin(_Owner, _Owner.person_id == Account.person_id)
        .outerjoin(_Asker, _Asker.person_id == Adjustment.requested_by)
        .outerjoin(_Decider, _Decider.person_id == Adjustment.decided_by)
    )


def _correction(row: Any) -> Correction:
    found, person_id, owner, asker, decider = row
    return Correction(
        id=found.id,
        person=Who(person_id, owner),
        amount_cents=found.amount_cents,
        reason=found.reason,
        reverses=found.reverses_entry_no,
        state=found.state,
        requested_by=Who(found.requested_by, asker),
        requested_at=found.requested_at,
        decided_by=Who(found.decided_by, decider) if found.decided_by else None,
        decided_at=found.decided_at,
        entry_no=found.entry_no,
    )


def _holders() -> Select[*tuple[Any, ...]]:
    return select(Account.person_id, Person.name).outerjoin(
        Person, Person.person_id == Account.person_id
    )


def _reasons(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """With the people of a correction, and the entry it reverses."""
    return (
        query.outerjoin(_Asker, _Asker.person_id == Adjustment.requested_by)
        .outerjoin(_Decider, _Decider.person_id == Adjustment.decided_by)
        .outerjoin(_Undone, _Undone.entry_no == Adjustment.reverses_entry_no)
        .outerjoin(_UndoneCard, _UndoneCard.task_id == _Undone.source_id)
    )


def _note(reason: str, *row: Any) -> Note:
    asked_by, asker, approved_by, decider, entry_no, kind, day, number, title = row
    undone = Undone(entry_no, kind, day, number, title) if entry_no is not None else None
    return Note(reason, Who(asked_by, asker), Who(approved_by, decider), undone)
