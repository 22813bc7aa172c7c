"""What is typed to ask for a correction, and how the list of them is narrowed."""

from enum import StrEnum
from typing import Any

from ates.accounting.forms.filters import BIGGEST
from ates.accounting.models.decisions import LIMIT_CENTS, AdjustmentState
from ates.accounting.service.corrections import AMOUNT
from ates.kernel.errors import N_
from ates.web.forms import Field, Form, Wrong, amount, choice, line, public_id, reason, said, whole


class State(StrEnum):
    """Where a correction stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class CorrectionFilter(Form):
    """`state after`: a part of the list of corrections."""

    state = choice(State)
    after = line(100)

    @property
    def wanted(self) -> AdjustmentState | None:
        """The state as its row says it."""
        found: AdjustmentState | None = self.clean["state"].value if self.state else None
        return found

    @property
    def filters(self) -> dict[str, Any]:
        """The words of the address without the place in the list."""
        return {"state": self.state} if self.state else {}


def correction_amount() -> Field[int | None]:
    """Cents, other than zero, within the limit of a correction."""
    plain = amount()

    def read(typed: str) -> int | None:
        cents = plain.read(typed)
        if not cents or abs(cents) > LIMIT_CENTS:
            raise Wrong(said(AMOUNT, limit_cents=LIMIT_CENTS))
        return cents

    return Field(read, None)


class Subject(Form):
    """`user entry`: whose account, or which entry is to be reversed."""

    user = public_id()
    entry = whole(1, BIGGEST)


class NewCorrection(Subject):
    """A request: an amount for a person, chosen or called by name, or the reversal of an entry."""

    person = line(100)
    amount_cents = correction_amount()
    reason = reason()

    def check(self) -> None:
        """As of any form; an entry brings its person and its amount along."""
        if self.entry is None and "entry" not in self.wrong:
            if self.amount_cents is None:
                problem = said(AMOUNT, limit_cents=LIMIT_CENTS)
                self.wrong.setdefault("amount_cents", problem)
            if self.user is None and not self.person:
                self.wrong.setdefault("person", N_("Write whose account it is."))
        super().check()
