"""Whether the parts agree, day by day: tracker, ledger and analytics, each asked for its figures.

Nobody reads another's tables: a part counts its own (`kernel.tally`), and the counts are compared
here, in one snapshot. What is on its way explains a gap and is named; what is left is a difference.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from ates.kernel.context import Context
from ates.ops.reconciliation.compare import BOOKED, Check, DayLine, Standing
from ates.ops.reconciliation.findings import Finding, Step
from ates.ops.reconciliation.report import DAYS, Report, reconcile
from ates.ops.reconciliation.told import for_people, for_programs, plain

__all__ = [
    "BOOKED",
    "DAYS",
    "Check",
    "DayLine",
    "Finding",
    "Report",
    "Standing",
    "Step",
    "everything",
    "for_people",
    "for_programs",
    "reconcile",
]

SHOWN = 100


def everything(session: Session, contexts: Sequence[Context], *, at: datetime) -> list[str]:
    """For `flask ops verify --full`: all days, row by row; each difference as one sentence."""
    found = reconcile(session, contexts, at=at, days=None, rows=True)
    return [f"{each.day}: {plain(each)}" for each in islice(found.differences, SHOWN)]
