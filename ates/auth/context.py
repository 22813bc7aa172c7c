"""The manifest of auth."""

from ates.auth.models import Base
from ates.kernel.context import Context

context = Context(name="auth", tables=Base.metadata)
