"""What people type and ask for, read and checked."""

from ates.accounting.forms.corrections import CorrectionFilter, NewCorrection, Subject
from ates.accounting.forms.filters import (
    AccountFilter,
    EntryFilter,
    LedgerFilter,
    PayoutFilter,
)

__all__ = [
    "AccountFilter",
    "CorrectionFilter",
    "EntryFilter",
    "LedgerFilter",
    "NewCorrection",
    "PayoutFilter",
    "Subject",
]
