"""The books of a company that is made by bulk: real prices, balances, days, payouts and chain."""

from ates.accounting.bulk.bookkeeper import Bookkeeper

__all__ = ["Bookkeeper"]
