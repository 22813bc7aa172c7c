"""The pages of operations."""

from ates.ops.views import chain, decisions, events, overview, reconciliation
from ates.ops.views.blueprint import pages
from ates.ops.views.machines import machines

__all__ = ["chain", "decisions", "events", "machines", "overview", "pages", "reconciliation"]
