"""One log line for each request: ids and figures, nothing that a person typed."""

import logging
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import event

from ates.kernel import clock, logs
from ates.kernel.db import Database
from ates.kernel.events import cause
from ates.web import identity

log = logging.getLogger("ates.web.request")

# Asked all day by machines; a good answer is no news.
QUIET = frozenset({"static", "web.alive", "machines.ready", "machines.figures"})
_NO_QUESTION = ("PRAGMA", "BEGIN", "SET ")


def init_app(app: Flask) -> None:
    """Write a line after each request. It is registered first and so sees an answer last."""
    app.before_request(_begin)
    app.after_request(_tell)
    database: Database | None = app.extensions.get("ates.database")
    if database is not None:  # a shell without a database counts nothing
        event.listen(database.engine, "before_cursor_execute", _count)


def _begin() -> None:
    g.ates_began, g.ates_queries = clock.monotonic(), 0
    logs.hide(_typed)


def _tell(response: Response) -> Response:
    good = response.status_code < 400
    if not (good and request.endpoint in QUIET):
        about = {
            "actor": cause().actor,
            "endpoint": request.endpoint,
            "method": request.method[:10],
            "status": response.status_code,
            "ms": round((clock.monotonic() - g.ates_began) * 1000, 1),
            "queries": g.ates_queries,
        }
        log.info("request", extra=about)
    return response


def _count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if has_request_context() and not statement.startswith(_NO_QUESTION):
        g.ates_queries = g.get("ates_queries", 0) + 1


def _typed() -> Iterator[str]:
    """What came with the request, and how its person is called."""
    if not has_request_context():
        return
    person: Any = g.get("_login_user")
    if isinstance(person, identity.Person):
        yield person.name
    yield from request.form.values()
    yield from request.args.values()
    yield from request.cookies.values()
    yield from (each for each in (request.view_args or {}).values() if isinstance(each, str))
    if request.is_json:
        yield from _words(request.get_json(silent=True))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)
