"""The manifest of tasks."""

from ates.kernel.context import Context
from ates.tasks.models import Base

context = Context(name="tasks", tables=Base.metadata)
