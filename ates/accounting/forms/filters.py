"""Filters in the address: what people ask the books for, read and checked."""

from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from ates.accounting.queries.accounts import Order
from ates.accounting.queries.rows import KINDS, Place, Scope
from ates.accounting.statements import Period
from ates.contracts.accounting import Kind
from ates.kernel.errors import N_
from ates.kernel.mail import LetterState
from ates.web.forms import Form, choice, day, line, public_id, whole

BIGGEST = 2**62  # what a number of an entry or a task may be


class Kinds(StrEnum):
    """What a list is narrowed to; income is fees and rewards together (R16)."""

    FEE = "fee"
    REWARD = "reward"
    INCOME = "income"
    ADJUSTMENT = "adjustment"
    PAYOUT = "payout"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        if self is Kinds.INCOME:
            return ("fee", "reward")
        return tuple(kind for kind in KINDS if kind == self.value)


class Below(StrEnum):
    """Whose balances: `below=zero`."""

    ZERO = "zero"


class LedgerFilter(Form):
    """`kind from to after before`: a part of one person's ledger."""

    kind = choice(Kinds)
    vars()["from"] = day()  # the word in the address is a keyword of Python
    to = day()
    after = whole(1, BIGGEST)
    before = whole(0, BIGGEST)

    @property
    def since(self) -> date | None:
        found: date | None = self.clean.get("from")
        return found

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return any(self.clean.get(name) for name in self.filters)

    @property
    def filters(self) -> dict[str, Any]:
        """The words of the address that narrow the list; wrong ones are left out."""
        return {
            name: text
            for name, text in self.values.items()
            if text and name not in ("after", "before") and name not in self.wrong
        }

    @property
    def place(self) -> Place:
        return Place(after=self.after, before=self.before)

    def scope(self, *, account_id: int | None = None, task_id: UUID | None = None) -> Scope:
        """What the address asks for, of this account or of this task."""
        return Scope(
            kinds=self.kind.kinds if self.kind else KINDS,
            first=self.since,
            last=self.to,
            account_id=account_id,
            task_id=task_id,
        )


class EntryFilter(LedgerFilter):
    """`day kind user task from to after before`: a part of the whole ledger."""

    day = day()
    user = public_id()
    task = whole(1, BIGGEST)

    def scope(self, *, account_id: int | None = None, task_id: UUID | None = None) -> Scope:
        """As above; a day stands for itself and wins over `from` and `to`."""
        return Scope(
            kinds=self.kind.kinds if self.kind else KINDS,
            first=self.day or self.since,
            last=self.day or self.to,
            account_id=account_id,
            task_id=task_id,
        )


class AccountFilter(Form):
    """`q below sort after`: a part of the list of accounts."""

    q = line(100)
    below = choice(Below)
    sort = choice(Order)
    after = line(200)

    @property
    def order(self) -> Order:
        """As asked for; people below zero begin with the deepest."""
        return self.sort or (Order.BELOW if self.below else Order.OWED)

    @property
    def filters(self) -> dict[str, Any]:
        """The words of the address without the place in the list."""
        return {
            name: text
            for name, text in self.values.items()
            if text and name != "after" and name not in self.wrong
        }


class PayoutFilter(Form):
    """`letter after`: the people paid whose letter is in a state; a page of them."""

    letter = choice(LetterState)
    after = whole(1, BIGGEST)


class DayFilter(Form):
    """`from to`: business days, both of them inclusive."""

    vars()["from"] = day()
    to = day()

    @property
    def since(self) -> date | None:
        found: date | None = self.clean.get("from")
        return found


class StatementFilter(DayFilter):
    """`from to`: a statement of these days; `after before`: a page of the list."""

    after = day()
    before = day()

    @property
    def period(self) -> Period | None:
        """The days asked for; one alone is a day. None if they are none: `wrong` says so."""
        first, last = self.since or self.to, self.to or self.since
        if first is None or last is None:
            return None
        try:
            return Period.between(first, last)
        except ValueError:
            self.wrong["to"] = N_("Choose at most a year of days, the first one first.")
            return None


class PlaceFilter(Form):
    """`after`: a page of a list that nothing narrows."""

    after = whole(1, BIGGEST)
