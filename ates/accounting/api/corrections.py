"""Corrections for programs: the same rules and sentences as the pages."""

from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.api.blueprint import api
from ates.accounting.api.shapes import Adjustment, Adjustments, NewAdjustment
from ates.accounting.gate import books
from ates.accounting.queries import corrections
from ates.accounting.queries.corrections import Correction
from ates.accounting.queries.rows import Who
from ates.accounting.service import corrections as service
from ates.kernel.db import reading
from ates.kernel.errors import N_, Invalid
from ates.web.access import BOOKKEEPERS, allow
from ates.web.api import Answer, Cursor, Listed, Somebody, once
from ates.web.forms import Wrong, reason
from ates.web.identity import me

ADJUSTMENTS = Cursor(UUID)
ONE = N_("Send amount_cents, or reverses, and not both.")
REASON = reason()


@api.lists("/adjustments", Adjustment, query=Adjustments)
@allow(BOOKKEEPERS)
def adjustments(query: Adjustments) -> Listed[Adjustment]:
    """Corrections, newest request first."""
    place = ADJUSTMENTS.read(query.after)
    with reading("accounting") as session:
        found = corrections.newest(
            session,
            state=query.state,
            after=place[0] if place else None,
            limit=query.limit + 1,
        )
    return ADJUSTMENTS.listed(found, query.limit, lambda row: (row.id,), _adjustment)


@api.acts("/adjustments", {201: Adjustment}, body=NewAdjustment, refuses=(404,))
@allow(BOOKKEEPERS)
def request_adjustment(body: NewAdjustment) -> Answer:
    """Ask for a correction: an amount, or the reversal of one entry. Moves no money.

    403 for the own account; 404 for a person without entries, and for an unknown entry; 409 for a
    payout, and for an entry that is already corrected.
    """
    if (body.amount_cents is None) == (body.reverses is None):
        raise Invalid(ONE, fields={"amount_cents": ONE, "reverses": ONE})
    why = _reason(body.reason)

    def do(session: Session) -> Answer:
        if body.reverses is not None:
            made = service.request_reversal(
                session,
                books(),
                entry_no=body.reverses,
                person=body.person,
                reason=why,
                by=me().id,
            )
        else:
            made = service.request_correction(
                session,
                books(),
                person=body.person,
                amount_cents=body.amount_cents or 0,
                reason=why,
                by=me().id,
            )
        return Answer(_adjustment(corrections.one(session, made.id)), 201)

    return once("accounting", do)


@api.acts("/adjustments/<uuid:id>/approve", {200: Adjustment})
@allow(BOOKKEEPERS)
def approve_adjustment(id: UUID) -> Answer:
    """Book it in the open day, as somebody who neither asked for it nor owns the account.

    Once more is harmless; 409 when somebody else decided.
    """

    def do(session: Session) -> Answer:
        service.approve_correction(session, books(), id, by=me().id)
        return Answer(_adjustment(corrections.one(session, id)))

    return once("accounting", do)


@api.acts("/adjustments/<uuid:id>/reject", {200: Adjustment})
@allow(BOOKKEEPERS)
def reject_adjustment(id: UUID) -> Answer:
    """Turn it down, under the same rules; nothing is booked."""

    def do(session: Session) -> Answer:
        service.reject_correction(session, books(), id, by=me().id)
        return Answer(_adjustment(corrections.one(session, id)))

    return once("accounting", do)


# --- how ------------------------------------------------------------------------------------------


def _reason(typed: str) -> str:
    try:
        return REASON.take(typed)
    except Wrong as wrong:
        raise Invalid(wrong.sentence, fields={"reason": wrong.sentence}) from None


def _adjustment(row: Correction) -> Adjustment:
    return Adjustment(
        id=row.id,
        person=_somebody(row.person),
        amount_cents=row.amount_cents,
        reason=row.reason,
        reverses=row.reverses,
        state=row.state,
        requested_by=_somebody(row.requested_by),
        requested_at=row.requested_at,
        decided_by=_somebody(row.decided_by) if row.decided_by else None,
        decided_at=row.decided_at,
        entry=row.entry_no,
    )


def _somebody(who: Who) -> Somebody:
    return Somebody(who.id, who.known_name)
