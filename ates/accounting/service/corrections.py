"""Corrections: asked for with a reason by one person, decided by another, booked in the open day.

Nothing is edited. Whoever asks or decides does not own the account (books.md, chapter 9).
"""

from typing import Literal
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ates.accounting.auditing import Record, audit_of
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import Account, Adjustment, Entry, Person
from ates.accounting.models.decisions import LEAST, LIMIT_CENTS, MOST
from ates.accounting.models.four_eyes import against_decision, against_request, against_reversal
from ates.accounting.posting import Posting
from ates.accounting.posting.entry import NewEntry
from ates.kernel import clock, ids
from ates.kernel.errors import N_, Conflict, Invalid, NotFound, Refusal

AMOUNT = N_("Write an amount other than zero, up to %(limit_cents)s either way.")
REASON = N_("Write the reason in 10 to 500 characters.")
NO_ACCOUNT = N_("Nothing was ever booked for this person.")
NO_ENTRY = N_("There is no entry with this number.")
NO_CORRECTION = N_("There is no such correction.")
OTHERS_ENTRY = N_("Entry %(number)s is another person's.")
APPROVED = N_("%(name)s has approved it already.")
REJECTED = N_("%(name)s has rejected it already.")

Decision = Literal["approved", "rejected"]


def request_correction(
    session: Session, books: Books, *, person: UUID, amount_cents: int, reason: str, by: UUID
) -> Adjustment:
    """Ask for an amount on somebody's account: + is in favour of the person. Moves no money.

    Raises Invalid for an amount or a reason that does not fit, NotFound for a person without
    entries, Forbidden for the own account.
    """
    if amount_cents == 0 or abs(amount_cents) > LIMIT_CENTS:
        raise Invalid(AMOUNT, fields={"amount_cents": AMOUNT}, limit_cents=LIMIT_CENTS)
    account = _account(session, person)
    _refuse(against_request(owner=account.person_id, by=by))
    return _ask(session, books, account, amount_cents=amount_cents, reason=reason, by=by)


def request_reversal(
    session: Session,
    books: Books,
    *,
    entry_no: int,
    reason: str,
    by: UUID,
    person: UUID | None = None,
) -> Adjustment:
    """Ask for minus the amount of a fee, a reward or a correction; once per entry.

    Raises Invalid for a reason that does not fit, NotFound for an unknown entry, Conflict for a
    payout, an entry that is corrected or being corrected, or one that is not the `person`'s,
    Forbidden for the own account.
    """
    Ledger.lock(session)  # two who ask for the same entry meet here, the second in words
    entry, account = _entry(session, entry_no)
    if person not in (None, account.person_id):
        raise Conflict(OTHERS_ENTRY, number=str(entry_no))
    there = exists().where(Adjustment.reverses_entry_no == entry_no, Adjustment.state != "rejected")
    corrected = bool(session.scalar(select(there)))
    _refuse(
        against_reversal(
            entry_no=entry_no, kind=entry.kind, corrected=corrected, owner=account.person_id, by=by
        )
    )
    return _ask(
        session,
        books,
        account,
        amount_cents=-entry.amount_cents,
        reason=reason,
        by=by,
        reverses=entry_no,
    )


def approve_correction(
    session: Session, books: Books, correction_id: UUID, *, by: UUID
) -> Adjustment:
    """Book a correction in the open day, happening now. Idempotent for who approved it.

    Raises NotFound, Forbidden for the own request and the own account, Conflict naming who decided
    otherwise or first.
    """
    found = _decidable(session, correction_id, "approved", by=by)
    if found.state == "approved":
        return found
    account = session.get_one(Account, found.account_id)
    unit = Posting(session, books)
    unit.adjust(found.id, to=account.person_id, amount_cents=found.amount_cents)
    unit.flush()
    (entry,) = unit.posted
    return _decide(session, books, found, "approved", by=by, entry=entry)


def reject_correction(
    session: Session, books: Books, correction_id: UUID, *, by: UUID
) -> Adjustment:
    """Turn a correction down; an entry it would have reversed may be asked for again.

    Idempotent for who rejected it. Raises as `approve_correction`.
    """
    found = _decidable(session, correction_id, "rejected", by=by)
    if found.state == "rejected":
        return found
    return _decide(session, books, found, "rejected", by=by)


# --- asking ---------------------------------------------------------------------------------------


def _account(session: Session, person: UUID) -> Account:
    found = session.scalar(select(Account).where(Account.person_id == person))
    if found is None:
        raise NotFound(NO_ACCOUNT)
    return found


def _entry(session: Session, entry_no: int) -> tuple[Entry, Account]:
    row = session.execute(
        select(Entry, Account)
        .join(Account, Account.id == Entry.account_id)
        .where(Entry.entry_no == entry_no)
    ).one_or_none()
    if row is None:
        raise NotFound(NO_ENTRY)
    return row[0], row[1]


def _ask(
    session: Session,
    books: Books,
    account: Account,
    *,
    amount_cents: int,
    reason: str,
    by: UUID,
    reverses: int | None = None,
) -> Adjustment:
    found = Adjustment(
        id=ids.new(),
        account_id=account.id,
        amount_cents=amount_cents,
        reason=_reason(reason),
        reverses_entry_no=reverses,
        state="requested",
        requested_by=by,
        requested_at=clock.now(),
    )
    session.add(found)
    session.flush()
    _record(session, books, found, "correction.request", by=by)
    return found


def _reason(text: str) -> str:
    plain = text.strip()
    if not LEAST <= len(plain) <= MOST:
        raise Invalid(REASON, fields={"reason": REASON})
    return plain


# --- deciding -------------------------------------------------------------------------------------


def _decidable(
    session: Session, correction_id: UUID, decision: Decision, *, by: UUID
) -> Adjustment:
    """A waiting correction that this person may decide about, or one they have decided so.

    The head is locked first: of two who decide the second waits, then reads what the first did.
    """
    Ledger.lock(session)
    row = session.execute(
        select(Adjustment, Account.person_id, Person.name)
        .join(Account, Account.id == Adjustment.account_id)
        .outerjoin(Person, Person.person_id == Adjustment.decided_by)
        .where(Adjustment.id == correction_id)
        .with_for_update(of=Adjustment)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(NO_CORRECTION)
    found, owner, decider = row
    if found.state == "requested":
        _refuse(against_decision(requested_by=found.requested_by, owner=owner, by=by))
    elif (found.state, found.decided_by) != (decision, by):
        said = APPROVED if found.state == "approved" else REJECTED
        raise Conflict(said, name=decider or str(found.decided_by))
    return found


def _decide(
    session: Session,
    books: Books,
    found: Adjustment,
    decision: Decision,
    *,
    by: UUID,
    entry: NewEntry | None = None,
) -> Adjustment:
    found.state, found.decided_by = decision, by
    found.decided_at = clock.now() if entry is None else entry.occurred_at
    found.entry_no = None if entry is None else entry.entry_no
    session.flush()
    act = "correction.approve" if decision == "approved" else "correction.reject"
    _record(session, books, found, act, by=by)
    return found


def _record(session: Session, books: Books, found: Adjustment, act: str, *, by: UUID) -> None:
    """The row of the audit log, last: its head is the last lock of a transaction."""
    after = {"state": found.state, "account": found.account_id, "amount_cents": found.amount_cents}
    if found.reverses_entry_no is not None:
        after["reverses"] = found.reverses_entry_no
    if found.entry_no is not None:
        after["entry"] = found.entry_no
    record = Record(
        act=act,
        object=f"correction {found.id}",
        actor=by,
        before=None if found.state == "requested" else {"state": "requested"},
        after=after,
        reason=found.reason,
    )
    audit_of(books).write(session, record)


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal
