"""What people type and ask for, read and checked."""

from ates.accounting.forms.filters import (
    AccountFilter,
    EntryFilter,
    LedgerFilter,
    PayoutFilter,
)

__all__ = ["AccountFilter", "EntryFilter", "LedgerFilter", "PayoutFilter"]
