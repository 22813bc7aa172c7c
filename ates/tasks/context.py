"""The manifest of tasks."""

from ates.tasks.models import Base
from ates.kernel.context import Context

context = Context(name="tasks", tables=Base.metadata)
