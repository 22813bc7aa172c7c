"""The factory: the only module that knows all parts. It knows everything and does nothing."""

import click
from flask import Flask
from flask.cli import ScriptInfo

from ates.accounting.context import context as accounting
from ates.analytics.context import context as analytics
from ates.auth.context import context as auth
from ates.config import Config
from ates.kernel import clock, db, delivery, duty, mail, outbox, post, worker
from ates.ops import cli
from ates.ops.context import context as ops
from ates.tasks.context import context as tasks
from ates.web import access, i18n, shell

CONTEXTS = (auth, tasks, accounting, analytics, ops)


def create_app(config: Config) -> Flask:
    """The application with all its parts. Opens no connection and starts no thread.

    Raises ConfigError for settings and routes that forbid the start.
    """
    app = Flask("ates.web")
    app.extensions["ates.config"] = config
    app.extensions["ates.contexts"] = CONTEXTS
    _stand_on_kernel(app, config)
    shell.init_app(app, config, CONTEXTS)
    for part in CONTEXTS:
        if part.setup is not None:
            part.setup(app)
        if part.pages is not None:
            app.register_blueprint(part.pages)
        if part.api is not None:
            app.register_blueprint(part.api)
        if part.commands is not None:
            app.cli.add_command(part.commands)
    for command in cli.commands:
        app.cli.add_command(command)
    access.check(app)
    outbox.check()
    return app


def _stand_on_kernel(app: Flask, config: Config) -> None:
    clock.use_offset_file(config.clock_file if config.test_clock else None)
    db.init_app(app, db.Database(config.database_url, _limits(), unsafe=config.unsafe_database))
    delivery.init_app(app, [part.inbox for part in CONTEXTS if part.inbox is not None])
    duty.init_app(app, [each for part in CONTEXTS for each in part.duties])
    worker.init_app(app, config.redis_url)
    outbox.init_app(app, worker.ring_types)
    mail.init_app(
        app,
        [box for part in CONTEXTS for box in part.letters],
        i18n.render_letter,
        post.carrier(app, config.smtp_url, config.mail_from, config.mail_folder),
    )


def _limits() -> db.Limits:
    """A command may wait for the database much longer than a request."""
    running = click.get_current_context(silent=True)
    is_command = running is not None and isinstance(running.obj, ScriptInfo)
    return db.WORK if is_command else db.WEB
