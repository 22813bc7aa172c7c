"""What people type and ask for, read and checked."""

from ates.accounting.forms.filters import (
    AccountFilter,
    DayFilter,
    EntryFilter,
    LedgerFilter,
    PayoutFilter,
    StatementFilter,
)

__all__ = [
    "AccountFilter",
    "DayFilter",
    "EntryFilter",
    "LedgerFilter",
    "PayoutFilter",
    "StatementFilter",
]
