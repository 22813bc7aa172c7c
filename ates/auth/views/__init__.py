"""The pages of auth: the door, the own settings, people."""

from ates.auth.views import door, own, people
from ates.auth.views.blueprint import pages

__all__ = ["door", "own", "pages", "people"]
