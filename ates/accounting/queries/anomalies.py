"""The anomalies of a day as its page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from ates.accounting import anomalies
from ates.accounting.anomalies import KINDS, Aside, Extent, Found, Held, Unsure
from ates.accounting.queries import ledger
from ates.accounting.queries.days import DayFigures
from ates.accounting.queries.oneday import begun
from ates.accounting.queries.rows import Line

SHOWN = anomalies.SHOWN


@dataclass(frozen=True)
class DayAnomalies:
    """All of one day, of each kind the first hundred."""

    figures: DayFigures
    aside: Sequence[Aside]
    entries: Mapping[Found, Sequence[Line]]
    letters: Sequence[Unsure]
    holds: Sequence[Held]

    @property
    def count(self) -> int:
        """How many were found, at most 101 of each kind."""
        entries = sum(map(len, self.entries.values()))
        return len(self.aside) + entries + len(self.letters) + len(self.holds)


def day_anomalies(session: Session, day: date, *, at: datetime) -> DayAnomalies:
    """Six statements, whatever the size of the day. Raises NotFound for one the books lack."""
    figures = begun(session, day, at=at)
    extent = Extent(
        figures.day,
        figures.starts_at,
        figures.ends_at,
        figures.paid_at or at,
        {kind: (each.first_entry_no, each.last_entry_no) for kind, each in figures.sums.items()},
    )
    found: dict[Found, list[Line]] = {kind: [] for kind in KINDS}
    for what, line in ledger.marked(session, anomalies.entries(extent).subquery()):
        found[what].append(line)
    return DayAnomalies(
        figures=figures,
        aside=anomalies.aside(session, extent),
        entries=found,
        letters=anomalies.letters(session, extent),
        holds=anomalies.holds(session, extent),
    )
