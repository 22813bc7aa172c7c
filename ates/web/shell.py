"""The shell: wires everything that all parts' pages share into the application."""

from collections.abc import Sequence

from flask import Flask

from ates.config import Config
from ates.kernel.context import Context
from ates.web import (
    access,
    csrf,
    drawing,
    errors,
    frame,
    headers,
    i18n,
    identity,
    journal,
    mailbox,
    pages,
    sheet,
)
from ates.web.api.pages import pages as description


def init_app(app: Flask, config: Config, contexts: Sequence[Context]) -> None:
    """Make `app` a shell for the pages of `contexts`.

    The factory registers the parts' own pages afterwards and then calls `access.check`. The order
    of the lines is the order in which a request meets the checks: number, right, origin and token.
    Raises ConfigError for a signing key that cannot be used.
    """
    drawing.init_app(app)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.before_request(_begin)
    journal.init_app(app)
    errors.init_app(app)
    headers.init_app(app, config)
    identity.init_app(app, config, contexts)
    i18n.init_app(app, config)
    access.init_app(app)
    csrf.init_app(app, config)
    sheet.init_app(app)
    app.jinja_env.globals["frame"] = frame.frame
    app.jinja_env.globals["mounted"] = frame.mounted
    app.jinja_env.globals["numbered"] = drawing.numbered
    app.register_blueprint(pages.pages)
    app.register_blueprint(mailbox.pages)
    app.register_blueprint(description)


def _begin() -> None:
    """Requests that share an application context (a test, a command) share nothing of a person."""
    identity.forget()
    csrf.forget()
    i18n.forget()
