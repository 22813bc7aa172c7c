"""Which part of the journal, and the days of a trial balance."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from ates.accounting.forms.filters import EntryFilter
from ates.accounting.queries.rows import KINDS, Scope
from ates.contracts.accounting import Kind
from ates.web.forms import Form, choice, day


class ContraAccount(StrEnum):
    """An account of the general ledger; every entry also touches 2000."""

    CASH = "1000"
    PAYABLE = "2000"
    FEES = "4000"
    REWARDS = "5000"
    ADJUSTMENTS = "5900"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of entries that touch it."""
        by_account: dict[str, tuple[Kind, ...]] = {
            "1000": ("payout",),
            "4000": ("fee",),
            "5000": ("reward",),
            "5900": ("adjustment",),
        }
        return by_account.get(self.value, KINDS)


class JournalFilter(EntryFilter):
    """`account day kind user task from to after before`: a part of the journal."""

    account = choice(ContraAccount)

    def scope(self, *, account_id: int | None = None, task_id: UUID | None = None) -> Scope:
        """As of entries; an account of the general ledger narrows the kinds."""
        wide = super().scope(account_id=account_id, task_id=task_id)
        kinds = tuple(kind for kind in wide.kinds if not self.account or kind in self.account.kinds)
        return Scope(**{**vars(wide), "kinds": kinds})


class TrialFilter(Form):
    """`from to`: business days, both included; without them all there is, now."""

    vars()["from"] = day()  # the word in the address is a keyword of Python
    to = day()

    @property
    def since(self) -> date | None:
        found: date | None = self.clean.get("from")
        return found
