"""The pages of operations."""

from ates.ops.views import overview
from ates.ops.views.blueprint import pages

__all__ = ["overview", "pages"]
