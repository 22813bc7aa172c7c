"""The manifest of accounting."""

from ates.accounting.models import Base
from ates.kernel.context import Context

context = Context(name="accounting", tables=Base.metadata)
