"""The pages of accounting. Nothing here moves money: only the command pays (R17)."""

from ates.accounting.views import (
    accounts,
    audit,
    books,
    corrections,
    day,
    exports,
    fairness,
    holds,
    journal,
    letters,
    own,
    payouts,
    statements,
)
from ates.accounting.views.blueprint import chip_balance, pages

__all__ = [
    "accounts",
    "audit",
    "books",
    "chip_balance",
    "corrections",
    "day",
    "exports",
    "fairness",
    "holds",
    "journal",
    "letters",
    "own",
    "pages",
    "payouts",
    "statements",
]
