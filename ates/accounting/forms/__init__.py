"""What people type and ask for, read and checked."""

from ates.accounting.forms.corrections import CorrectionFilter, NewCorrection, Subject
from ates.accounting.forms.fairness import PriceForm
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
from ates.accounting.forms.journal import JournalFilter, TrialFilter

__all__ = [
    "AccountFilter",
    "CorrectionFilter",
    "DayFilter",
    "EntryFilter",
    "HoldFilter",
    "HoldForm",
    "JournalFilter",
    "LedgerFilter",
    "NewCorrection",
    "PayoutFilter",
    "PlaceFilter",
    "PriceForm",
    "StatementFilter",
    "Subject",
    "TrialFilter",
]
