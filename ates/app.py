"""The factory: the only module that knows all parts. It knows everything and does nothing."""

from flask import Flask
from flask.cli import ScriptInfo
import click

from ates import ops, web
from ates.accounting.context import context as accounting
from ates.analytics.context import context as analytics
from ates.auth.context import context as auth
from ates.config import Config
from ates.kernel import bus, clock, db, mail, outbox, worker
from ates.tasks.context import context as tasks

CONTEXTS = (auth, tasks, accounting, analytics)


def create_app(config: Config) -> Flask:
    """The application with all its parts. Opens no connection and starts no thread."""
    app = Flask("ates.web")
    app.extensions["ates.config"] = config
    app.extensions["ates.contexts"] = CONTEXTS
    return app
