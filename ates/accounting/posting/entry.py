"""An entry on its way into the books."""

from ates.accounting.chain import Line
from ates.contracts.accounting import PostedEntry


class NewEntry(Line, frozen=True, kw_only=True, gc=False):
    """An entry that is being posted: as it is hashed, and in which account it stands."""

    account_id: int

    def posted(self) -> PostedEntry:
        """What others hear of it."""
        return PostedEntry(
            entry_no=self.entry_no,
            person_id=self.person_id,
            kind=self.kind,
            amount_cents=self.amount_cents,
            business_date=self.business_date,
            occurred_on=self.occurred_on,
            occurred_at=self.occurred_at,
            source_id=self.source_id,
            source_no=self.source_no,
        )
