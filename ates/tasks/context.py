"""The manifest of tasks."""

from ates.kernel.context import Context
from ates.tasks.handlers import inbox
from ates.tasks.models import Base, Request

context = Context(name="tasks", tables=Base.metadata, inbox=inbox, requests=Request)
