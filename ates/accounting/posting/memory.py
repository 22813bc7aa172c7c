"""What the last batch of this process left in mind: accounts, prices and days."""

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from ates.accounting.days import Calendar
from ates.accounting.ledger import Ledger
from ates.accounting.posting.reading import AccountState
from ates.accounting.pricing import Price
from ates.kernel import db

MOST = 20_000  # accounts, and as many prices: some megabytes

Place = tuple[bytes, int, int]


@dataclass
class Known:
    """Accounts and prices as they are in the books, by the number of the person's or task's id, and
    the newest days; what is not here may be there all the same."""

    accounts: dict[int, AccountState] = field(default_factory=dict)
    prices: dict[int, Price] = field(default_factory=dict)
    calendar: Calendar | None = None


class Memory:
    """Between two batches, what both of them need; only as long as nobody else wrote to the books.

    The head of the ledger says whether that is so: its hash names all entries up to here, its
    count of events all prices and days. A batch takes everything out and puts it back once it is
    committed, so that nothing is left of one that failed.
    """

    def __init__(self) -> None:
        self._kept: tuple[Place, Known] | None = None

    def recall(self, ledger: Ledger) -> Known:
        """What is known of the books, whose head must be locked: nothing if they have moved."""
        kept, self._kept = self._kept, None
        if kept is None or kept[0] != _place(ledger):
            return Known()
        return kept[1]

    def keep(self, ledger: Ledger, known: Known) -> None:
        """Remember this as soon as the transaction of `ledger`, which is saved, is committed."""
        for values in (known.accounts, known.prices):
            _forget_the_oldest(values)
        kept = _place(ledger), known
        db.after_commit(ledger.session, "accounting memory", partial(setattr, self, "_kept", kept))


def _place(ledger: Ledger) -> Place:
    return ledger.last_hash, ledger.last_account_id, ledger.said


def _forget_the_oldest(values: dict[int, Any]) -> None:
    for key in list(islice(values, max(len(values) - MOST, 0))):
        del values[key]
