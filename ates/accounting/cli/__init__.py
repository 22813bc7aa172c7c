"""Commands over the books: the payout that cron starts, its holds, and the proof."""

from ates.accounting.cli import holds, payout, verify
from ates.accounting.cli.group import commands

__all__ = ["commands", "holds", "payout", "verify"]
