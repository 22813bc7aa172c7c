"""What people type and ask for, read and checked."""

from ates.accounting.forms.corrections import CorrectionFilter, NewCorrection, Subject
from ates.accounting.forms.filters import (
    AccountFilter,
    DayFilter,
    EntryFilter,
    LedgerFilter,
    PayoutFilter,
    PlaceFilter,
    StatementFilter,
)
from ates.accounting.forms.holds import HoldFilter, HoldForm

__all__ = [
    "AccountFilter",
    "CorrectionFilter",
    "DayFilter",
    "EntryFilter",
    "HoldFilter",
    "HoldForm",
    "LedgerFilter",
    "NewCorrection",
    "PayoutFilter",
    "PlaceFilter",
    "StatementFilter",
    "Subject",
]
