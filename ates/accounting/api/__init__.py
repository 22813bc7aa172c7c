"""The JSON endpoints of accounting. Corrections can be asked for and decided; only the command
pays (R17)."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.api import corrections
from ates.accounting.api.blueprint import api
from ates.accounting.api.shapes import (
    Account,
    Accounts,
    Day,
    Days,
    Entries,
    Entry,
    OwnEntries,
    Payout,
    Payouts,
)
from ates.accounting.gate import books
from ates.accounting.queries import days, keyset, ledger
from ates.accounting.queries.days import DayFigures
from ates.accounting.queries.keyset import Held, Settled
from ates.accounting.queries.rows import KINDS, Line, Place, Scope
from ates.accounting.service.visits import record_visit
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, Forbidden
from ates.web.access import BOOKKEEPERS, EVERYBODY, allow
from ates.web.api import Cursor, Listed, Somebody, TaskName, person_of
from ates.web.identity import me
from ates.web.watermark import watermark

__all__ = ["api", "corrections"]


@api.reads("/me", Account)
@allow(EVERYBODY)
def mine() -> Account:
    """The own account. Somebody without any entry yet has zero and no last entry."""
    person = me()
    with reading("accounting") as session:
        today = days.day_at(session, clock.now())
        held = keyset.account_of(session, person.id, today)
        shown = _account(session)
        return shown(held or Held(0, person.id, person.name, 0, 0, None))


@api.lists("/me/entries", Entry, query=OwnEntries)
@allow(EVERYBODY)
def my_entries(query: OwnEntries) -> Listed[Entry]:
    """The own audit log, newest first."""
    with reading("accounting") as session:
        account_id = keyset.account_id_of(session, me().id)
        return _entries(session, query, account_id=account_id, of_person=True)


@api.lists("/entries", Entry, query=Entries)
@allow(BOOKKEEPERS)
def entries(query: Entries) -> Listed[Entry]:
    """Everybody's entries, newest first. Whose entries are asked for by `person`, may learn it."""
    if query.person is not None and query.person != me().id:
        with transaction("accounting") as session:
            record_visit(session, books(), query.person, by=me().id)
    with reading("accounting") as session:
        account_id = keyset.account_id_of(session, query.person) if query.person else None
        of_person = query.person is not None
        return _entries(
            session, query, account_id=account_id, of_person=of_person, task_id=query.task
        )


ACCOUNTS = Cursor(int)


@api.lists("/accounts", Account, query=Accounts)
@allow(BOOKKEEPERS)
def accounts(query: Accounts) -> Listed[Account]:
    """Everybody's accounts, the newest first."""
    place = ACCOUNTS.read(query.after)
    with reading("accounting") as session:
        found = keyset.accounts_below(
            session,
            days.day_at(session, clock.now()),
            below=query.below_zero,
            after=place[0] if place else None,
            limit=query.limit + 1,
        )
        shown = _account(session)
    return ACCOUNTS.listed(found, query.limit, lambda row: (row.account_id,), shown)


DAYS = Cursor(date)


@api.lists("/days", Day, query=Days)
@allow(BOOKKEEPERS)
def business_days(query: Days) -> Listed[Day]:
    """Business days with their sums, newest first."""
    place = DAYS.read(query.after)
    with reading("accounting") as session:
        found = keyset.days_between(
            session,
            first=query.first,
            last=query.to,
            after=place[0] if place else None,
            at=clock.now(),
            limit=query.limit + 1,
        )
        as_of = watermark(session, "accounting").as_of

    def shown(row: DayFigures) -> Day:
        return Day(
            day=row.day,
            state=row.shown,
            fees_cents=-row.fee.amount_cents,
            rewards_cents=row.reward.amount_cents,
            income_cents=row.income_cents,
            payouts_cents=-row.payout.amount_cents,
            adjustments_cents=row.adjustment.amount_cents,
            entries=row.entries,
            as_of=as_of,
        )

    return DAYS.listed(found, query.limit, lambda row: (row.day,), shown)


PAYOUTS = Cursor(date, int)


@api.lists("/payouts", Payout, query=Payouts, refuses=(403,))
@allow(EVERYBODY)
def payouts(query: Payouts) -> Listed[Payout]:
    """Payouts, newest day first: everybody's for accountants and admins, else `person=me`."""
    person = me()
    wanted = person_of(query.person, person.id) if query.person else None
    if wanted != person.id and person.role not in BOOKKEEPERS.roles:
        raise Forbidden(N_("Ask for your own payouts: person=me."))
    place = PAYOUTS.read(query.after)
    with reading("accounting") as session:
        found = keyset.payouts(
            session,
            day=query.day,
            person_id=wanted,
            after=(place[0], place[1]) if place else None,
            limit=query.limit + 1,
        )
    return PAYOUTS.listed(
        found, query.limit, lambda row: (row.business_date, row.account_id), _payout
    )


# --- how ------------------------------------------------------------------------------------------

ENTRIES = Cursor(int)


def _entries(
    session: Session,
    query: OwnEntries,
    *,
    account_id: int | None,
    of_person: bool,
    task_id: UUID | None = None,
) -> Listed[Entry]:
    """A page of the ledger; of a person without an account, nothing."""
    place = ENTRIES.read(query.after)
    if of_person and account_id is None:
        return Listed([], None)
    scope = Scope(
        kinds=(query.kind,) if query.kind else KINDS,
        first=query.day,
        last=query.day,
        account_id=account_id,
        task_id=task_id,
    )
    page = ledger.lines(session, scope, Place(place[0] if place else None), limit=query.limit)
    older = ENTRIES.write(page.older) if page.older is not None else None
    return Listed([_entry(line) for line in page.lines], older)


def _entry(line: Line) -> Entry:
    about_task = line.kind in ("fee", "reward")
    task = TaskName(line.source_id, line.number, line.title, line.jira_id)
    return Entry(
        number=line.entry_no,
        person=Somebody(line.person_id, line.name),
        kind=line.kind,
        amount_cents=line.amount_cents,
        balance_after_cents=line.balance_cents,
        day=line.business_date,
        occurred_at=line.occurred_at,
        posted_at=line.posted_at,
        late=line.late,
        task=task if about_task else None,
        assignment=line.source_no if line.kind == "fee" else None,
        note=line.note.reason if line.note else None,
    )


def _account(session: Session) -> Callable[[Held], Account]:
    mark = watermark(session, "accounting")

    def shown(held: Held) -> Account:
        return Account(
            person=Somebody(held.person_id, held.name),
            balance_cents=held.balance_cents,
            today_cents=held.today_cents or 0,
            pending=mark.events,
            last_entry=held.last_entry_no,
            as_of=mark.as_of,
        )

    return shown


def _payout(row: Settled) -> Payout:
    return Payout(
        day=row.business_date,
        person=Somebody(row.person_id, row.name),
        amount_cents=-row.amount_cents,
        entry=row.entry_no,
        letter=row.letter,  # type: ignore[arg-type]
    )
