"""The tables of accounting, and the rules a single row can keep by itself.

Money is signed cents: + means that the company owes the person more. Tables marked append-only, and
the order of days, are guarded by triggers that only the migration knows.
"""

from ates.accounting.models.around import Card, CommandRun, PayoutLetter, Person, Request
from ates.accounting.models.base import Base
from ates.accounting.models.days import (
    AccountDay,
    BusinessDay,
    DayReward,
    DayState,
    DayTotal,
    Payout,
    PricedKind,
    PriceTotal,
    TaskPrice,
)
from ates.accounting.models.decisions import (
    Adjustment,
    AdjustmentState,
    Audit,
    AuditHead,
    Hold,
    SealLetter,
)
from ates.accounting.models.ledger import Account, Block, Entry, Head, PostingKind

__all__ = [
    "Account",
    "AccountDay",
    "Adjustment",
    "AdjustmentState",
    "Audit",
    "AuditHead",
    "Base",
    "Block",
    "BusinessDay",
    "Card",
    "CommandRun",
    "DayReward",
    "DayState",
    "DayTotal",
    "Entry",
    "Head",
    "Hold",
    "Payout",
    "PayoutLetter",
    "Person",
    "PostingKind",
    "PriceTotal",
    "PricedKind",
    "Request",
    "SealLetter",
    "TaskPrice",
]
