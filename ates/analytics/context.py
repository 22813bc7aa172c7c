"""The manifest of analytics."""

from ates.analytics.models import Base
from ates.kernel.context import Context

context = Context(name="analytics", tables=Base.metadata)
