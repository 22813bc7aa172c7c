"""The pages of auth: the door, the own settings, sessions and tokens, people."""

from ates.auth.views import door, own, people, sessions, tokens
from ates.auth.views.blueprint import pages

__all__ = ["door", "own", "pages", "people", "sessions", "tokens"]
