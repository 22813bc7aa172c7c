"""Commands over the books: the payout that cron starts, and the proof."""

from ates.accounting.cli import payout, verify
from ates.accounting.cli.group import commands

__all__ = ["commands", "payout", "verify"]
