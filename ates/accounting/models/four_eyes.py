"""Who may not ask for a correction or decide about it, in the sentences that people read."""

from uuid import UUID

from ates.contracts.accounting import Kind
from ates.kernel.errors import N_, Conflict, Forbidden, Refusal

OWN_REQUEST = N_("You asked for it; somebody else decides.")
OWN_ACCOUNT = N_("This is your own account.")
CORRECTED = N_("Entry %(number)s is already corrected.")
SENT = N_("A payout is not reversed: request an amount.")


def against_request(*, owner: UUID, by: UUID) -> Refusal | None:
    """Why this person may not ask for a correction of the owner's account; None: they may."""
    return Forbidden(OWN_ACCOUNT) if by == owner else None


def against_reversal(
    *, entry_no: int, kind: Kind, corrected: bool, owner: UUID, by: UUID
) -> Refusal | None:
    """Why this person may not ask for the reversal of an entry; None: they may.

    Money sent is not unsent, and an entry is reversed once; a rejected request does not count.
    """
    if kind == "payout":
        return Conflict(SENT)
    if corrected:
        return Conflict(CORRECTED, number=str(entry_no))
    return against_request(owner=owner, by=by)


def against_decision(*, requested_by: UUID, owner: UUID, by: UUID) -> Refusal | None:
    """Why this person may not decide about a correction; None: they may."""
    if by == requested_by:
        return Forbidden(OWN_REQUEST)
    return Forbidden(OWN_ACCOUNT) if by == owner else None
