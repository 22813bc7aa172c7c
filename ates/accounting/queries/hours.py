"""The hours of a day, from its entries one by one: so this is also the check of its figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Text, func, select, type_coerce
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.models import Entry
from ates.accounting.queries.days import DayFigures
from ates.contracts.accounting import Kind
from ates.kernel import db

HOUR = timedelta(hours=1)
MINUTES = 16  # characters of a stored moment up to its minutes


@dataclass(frozen=True)
class Hour:
    """What happened in one hour of the day; `begins` is None for what happened on days before."""

    begins: datetime | None
    sums: Mapping[Kind, tuple[int, int]] = field(default_factory=dict)  # entries, cents

    def entries(self, kind: Kind) -> int:
        return self.sums.get(kind, (0, 0))[0]

    def cents(self, kind: Kind) -> int:
        return self.sums.get(kind, (0, 0))[1]

    @property
    def income_cents(self) -> int:
        """Fees - rewards (R16)."""
        return -(self.cents("fee") + self.cents("reward"))


@dataclass(frozen=True)
class Hours:
    """All hours of a day that have begun, and what came late."""

    hours: tuple[Hour, ...]
    late: Hour | None
    figures: DayFigures

    @property
    def differ_cents(self) -> int:
        """Figures = entries: the sum kept for the day against its entries added up again."""
        every = [*self.hours, *([self.late] if self.late else [])]
        kept = self.figures.fee.amount_cents + self.figures.reward.amount_cents
        return kept + sum(each.income_cents for each in every)


def hours(session: Session, figures: DayFigures, *, at: datetime) -> Hours:
    """One statement over the range of the day's numbers. A day has 23 to 25 hours, or fewer yet."""
    until = min(at, figures.ends_at)
    many = math.ceil(max(until - figures.starts_at, HOUR) / HOUR)
    found: dict[int, dict[Kind, tuple[int, int]]] = {}
    for bin_, kind, entries, cents in session.execute(_binned(session, figures)):
        hour = (_moment(bin_) - figures.starts_at) // HOUR
        place = hour if 0 <= hour < many else -1
        before = found.setdefault(place, {}).get(kind, (0, 0))
        found[place][kind] = (before[0] + entries, before[1] + cents)
    made = tuple(
        Hour(figures.starts_at + number * HOUR, found.get(number, {})) for number in range(many)
    )
    return Hours(made, Hour(None, found[-1]) if -1 in found else None, figures)


def _binned(session: Session, figures: DayFigures) -> Select[*tuple[Any, ...]]:
    """Sums by parts of an hour; days begin on a whole minute, if not on a whole hour."""
    if db.is_sqlite(session):
        text = type_coerce(Entry.occurred_at, Text)
        bin_: Any = type_coerce(func.substr(text, 1, MINUTES), Text).label("bin")
    else:
        bin_ = func.date_bin(HOUR, Entry.occurred_at, figures.starts_at).label("bin")
    low, high = figures.numbers
    return (
        select(bin_, Entry.kind, func.count(), total(Entry.amount_cents))
        .where(
            Entry.entry_no.between(low, high),
            Entry.business_date == figures.day,
            Entry.kind.in_(("fee", "reward")),
        )
        .group_by(bin_, Entry.kind)
    )


def _moment(bin_: str | datetime) -> datetime:
    """When a part of an hour begins: a moment, or the beginning of its text."""
    return datetime.fromisoformat(bin_).replace(tzinfo=UTC) if isinstance(bin_, str) else bin_
