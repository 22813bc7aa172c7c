"""The record of what people decided: its chain, and corrections against their entries."""

from collections.abc import Iterator

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ates.accounting.auditing import audit_of
from ates.accounting.keyring import Books
from ates.accounting.models import Adjustment, Entry
from ates.accounting.verify.difference import Difference


def audit(session: Session, books: Books) -> Iterator[Difference]:
    """Rows of the audit log that were changed or are gone; corrections that are not as booked."""
    for sentence in audit_of(books).differences(session):
        yield Difference(sentence)
    yield from _corrections(session)


def _corrections(session: Session) -> Iterator[Difference]:
    """An approved correction is its entry: the same account, amount and moment."""
    rows = session.execute(
        select(Adjustment.id, Adjustment.entry_no)
        .outerjoin(Entry, Entry.entry_no == Adjustment.entry_no)
        .where(
            Adjustment.state == "approved",
            or_(
                Entry.entry_no.is_(None),
                Entry.kind != "adjustment",
                Entry.source_id != Adjustment.id,
                Entry.account_id != Adjustment.account_id,
                Entry.amount_cents != Adjustment.amount_cents,
                Entry.occurred_at != Adjustment.decided_at,
            ),
        )
        .order_by(Adjustment.id)
    )
    for found in rows:
        sentence = f"correction {found.id} is not what was booked for it"
        yield Difference(sentence, found.entry_no, found.entry_no)
