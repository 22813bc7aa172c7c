"""Statements: what one person was owed before and after some days, and what happened between.

Pure rules. By business date a statement adds up and chains: opening + what happened = closing, and
the closing of a period is the opening of the next. The balance stored with an entry cannot do that,
since it runs in the order of posting, in which two days overlap at midnight (books.md, chapter 6).
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol, Self, TypeVar

Grain = Literal["day", "month", "range"]

ONE = timedelta(days=1)
LONGEST = 366  # days in one statement
# Years that have neighbours: what is beside a period never leaves the calendar.
PERIOD = re.compile(r"(2\d{3}-\d\d)(-\d\d)?(?:\.\.(2\d{3}-\d\d-\d\d))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Period:
    """Business days from `first` to `last`, both of them in it."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-11-21`, `2026-11` or `2026-11-01..2026-11-15`.

        Raises ValueError for anything else, and for more than a year of days.
        """
        found = PERIOD.fullmatch(text)
        if found is None or (found[3] and not found[2]):
            raise ValueError(f"not a period: {text!r}")
        first = date.fromisoformat(f"{found[1]}{found[2] or '-01'}")
        if not found[2]:
            return cls(first, _month_end(first))
        return cls.between(first, date.fromisoformat(found[3]) if found[3] else first)

    @classmethod
    def between(cls, first: date, last: date) -> Self:
        """Raises ValueError for an end before the beginning, and for more than a year of days."""
        if not first <= last < first + timedelta(days=LONGEST):
            raise ValueError(f"not a period: {first} to {last}")
        return cls(first, last)

    @classmethod
    def month_of(cls, day: date) -> Self:
        """The whole month that contains `day`."""
        return cls(day.replace(day=1), _month_end(day))

    @property
    def grain(self) -> Grain:
        if self.first == self.last:
            return "day"
        return "month" if self == self.month_of(self.first) else "range"

    @property
    def name(self) -> str:
        """How the period stands in an address."""
        if self.grain == "day":
            return f"{self.first}"
        return f"{self.first:%Y-%m}" if self.grain == "month" else f"{self.first}..{self.last}"

    def before(self) -> Self | None:
        """The day or month before; a free range has none."""
        return None if self.grain == "range" else self._like(self.first - ONE)

    def after(self) -> Self | None:
        """The day or month after; a free range has none."""
        return None if self.grain == "range" else self._like(self.last + ONE)

    def _like(self, day: date) -> Self:
        return self.month_of(day) if self.grain == "month" else type(self)(day, day)


@dataclass(frozen=True)
class Sums:
    """What some days brought one account, signed as in the ledger."""

    fee_cents: int = 0
    reward_cents: int = 0
    adjustment_cents: int = 0
    payout_cents: int = 0

    @property
    def net_cents(self) -> int:
        return self.fee_cents + self.reward_cents + self.adjustment_cents + self.payout_cents

    @classmethod
    def of(cls, parts: Iterable["Sums"]) -> "Sums":
        """All of them together."""
        found = [
            (each.fee_cents, each.reward_cents, each.adjustment_cents, each.payout_cents)
            for each in parts
        ]
        return cls(*map(sum, zip(*found, strict=True))) if found else cls()


class Moving(Protocol):
    """Anything that changes a balance."""

    @property
    def amount_cents(self) -> int: ...


Each = TypeVar("Each", bound=Moving)


def running(brought_cents: int, entries: Iterable[Each]) -> Iterator[tuple[Each, int]]:
    """Entries in the order of a statement, each with the balance after it."""
    balance = brought_cents
    for each in entries:
        balance += each.amount_cents
        yield each, balance


def carried(brought_cents: int, days: Sequence[Sums]) -> list[int]:
    """The balance at the end of each of these days, the first of which began with `brought`."""
    ends, balance = [], brought_cents
    for each in days:
        balance += each.net_cents
        ends.append(balance)
    return ends


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
