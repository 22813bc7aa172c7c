"""Refusals and faults as pages: one clear sentence, the right status, what was typed is kept."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, SecurityError

from ates.kernel import ids
from ates.kernel.errors import (
    N_,
    DatabaseAway,
    NotReady,
    Refusal,
    SignedOut,
    TooMany,
    is_outage,
)
from ates.kernel.events import Cause, set_cause
from ates.web import csrf, problems
from ates.web.access import ScopeTooSmall
from ates.web.answers import is_fragment
from ates.web.forms import Form
from ates.web.i18n import gettext, sentence
from ates.web.identity import bearer_token
from ates.web.next import safe_next

log = logging.getLogger("ates.web")

SECRET_FIELDS = frozenset({"csrf", "key", "password", "again", "old_password", "new_password"})

# status -> (title, what to do)
WORDS: Mapping[int, tuple[str, str]] = {
    400: (N_("The page was too old."), N_("Open it again. What you typed is below.")),
    401: (N_("You are signed out."), N_("Sign in in another tab, then press Send again.")),
    403: (N_("This page is for other roles"), N_("The menu shows what you may open.")),
    404: (N_("There is no such page"), N_("It may have moved, or it is not yours to see.")),
    405: (N_("This cannot be done here."), N_("Go back and use the buttons of the page.")),
    409: (N_("Somebody was faster"), N_("Look at the present state.")),
    413: (N_("This is too much at once."), N_("Send less: 64 kB and 50 fields at most.")),
    415: (N_("Send JSON: application/json."), N_("Say so in Content-Type.")),
    422: (N_("There is a problem"), N_("Go back and correct it.")),
    429: (N_("Too many tries."), N_("Wait a little.")),
    500: (N_("Something broke on our side"), N_("If it happens again, tell us this number.")),
    503: (N_("aTES is not answering."), N_("Try again in a little while.")),
}


def refused(
    template: str, form: Form, error: Refusal, **values: Any
) -> tuple[str, int, dict[str, str]]:
    """Draw a form again after a refusal: values kept, sentences at the fields, the same key.

    The template shows `form.errors` in its summary (`errors(form.errors)`) and at the fields. The
    sentence of a refusal that belongs to no field stands in the summary alone, under "".
    """
    form.errors = {name: sentence(problem, error.values) for name, problem in error.fields.items()}
    if not form.errors:
        form.errors = {"": sentence(error.sentence, error.values)}
    csrf.keep_key()
    body = render_template(template, form=form, errors_found=True, **values)
    return body, error.status, _headers(error)


def init_app(app: Flask) -> None:
    """Install the pages for all refusals and faults, and the number of each request."""
    app.before_request(_number)
    app.after_request(_show_number)
    app.teardown_request(_end)
    app.register_error_handler(Refusal, _refusal)
    app.register_error_handler(DatabaseAway, _away)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(HTTPException, _plain_status)


def request_id() -> str:
    """The number of this request: in the log, in its events, on the error page."""
    if "ates_request" not in g:
        g.ates_request = str(ids.new())
    return str(g.ates_request)


# --- the number of a request ----------------------------------------------------------------------


def _number() -> None:
    g.pop("ates_request", None)
    set_cause(Cause(request_id()))


def _show_number(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def _end(_error: BaseException | None) -> None:
    set_cause(Cause())


# --- handlers -------------------------------------------------------------------------------------


def _refusal(error: Refusal) -> ResponseReturnValue:
    if isinstance(error, SignedOut) and not problems.asked():
        return _to_sign_in()
    return page(error.status, sentence(error.sentence, error.values), _headers(error), error)


def _away(error: DatabaseAway) -> ResponseReturnValue:
    log.warning("request %s: the database is away: %s", request_id(), error)
    retry = {"Retry-After": str(round(ids.between(10, 30)))}  # spread, or all come back at once
    return page(503, gettext("aTES is not answering."), retry)


def _database(error: SQLAlchemyError) -> ResponseReturnValue:
    """Locked or cut: not now. Everything else is a bug and stays one."""
    if not is_outage(error):
        raise error
    return _away(DatabaseAway(str(error)))


def _plain_status(error: HTTPException) -> ResponseReturnValue:
    """What Flask itself raises: 404, 405, 413 … and 500 after a bug."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if isinstance(error, SecurityError):  # a foreign host name: no page, no link is made from it
        return current_app.make_response((gettext("This is not the address of aTES."), 400))
    if status == 500:
        log.error("request %s ended in an error", request_id())
    known = status if status in WORDS else 400 if status < 500 else 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow",)}
    return page(status, gettext(WORDS[known][0]), headers)


def page(
    status: int, words: str, headers: Mapping[str, str], error: Refusal | None = None
) -> Response:
    """An error as a whole page, as a note above the page for the script, or as a problem."""
    if problems.asked():
        return _problem(status, words, headers, error)
    known = status if status in WORDS else 400 if status < 500 else 500
    values = {
        "status": status,
        "words": words,
        "advice": gettext(WORDS[known][1]),
        "request_id": request_id(),
        "problems": [sentence(each, error.values) for each in error.fields.values()]
        if error
        else [],
    }
    if is_fragment():
        response = make_response(render_template("_note.html", **values), status)
        # Whatever the target was (a table row), a note belongs on top of the page.
        response.headers.update({"HX-Retarget": "#notes", "HX-Reswap": "innerHTML"})
    else:
        response = make_response(render_template("error.html", **values, **_typed(status)), status)
    response.headers.update(headers)
    return response


def _problem(
    status: int, words: str, headers: Mapping[str, str], error: Refusal | None
) -> Response:
    """The same sentence for a program, with the fields it should look at."""
    fields, values = (error.fields, error.values) if error else ({}, {})
    faults = [(f"/{name}" if name else "", sentence(each, values)) for name, each in fields.items()]
    if status >= 500 and not isinstance(error, NotReady):  # never what went wrong inside
        words = gettext(WORDS[status if status in WORDS else 500][0])
    return problems.problem(status, words, request_id(), headers=headers, faults=faults)


def _headers(error: Refusal) -> dict[str, str]:
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after)}
    if not problems.asked():
        return {}
    if isinstance(error, SignedOut):
        given = bearer_token(request) is not None
        return problems.challenge('error="invalid_token"' if given else "")
    if isinstance(error, ScopeTooSmall):
        return problems.challenge('error="insufficient_scope", scope="write"')
    return {}


def _typed(status: int) -> dict[str, Any]:
    """What the person typed, so that no refusal loses it; a repeat only where it is safe."""
    if request.method != "POST" or status == 413:
        return {"typed": {}, "again": False}
    csrf.keep_key()
    typed = {name: text for name, text in request.form.items() if name not in SECRET_FIELDS}
    return {"typed": typed, "again": status in (401, 503) and csrf.genuine()}


def _to_sign_in() -> ResponseReturnValue:
    """Signed out: to the sign-in page and back. Typed text is kept on a page of its own."""
    if is_fragment():
        back = csrf.own_path(request.headers.get("HX-Current-URL"))
        response = current_app.make_response(("", 401))
        response.headers["HX-Redirect"] = sign_in_address(back)
        return response
    if request.method in ("GET", "HEAD"):
        back = safe_next(request.full_path.rstrip("?"))
    elif request.method == "POST" and any(_typed(401)["typed"].values()):
        return page(401, gettext("You are signed out."), {})
    else:
        back = csrf.own_path(request.referrer)
    response = current_app.make_response(("", 303))
    response.headers["Location"] = sign_in_address(back)
    return response


def sign_in_address(back: str = "/") -> str:
    """The sign-in page that leads back to `back` afterwards."""
    where = "/auth/sign-in"  # fixed by the table of addresses: auth may run elsewhere
    return f"{where}?{urlencode({'next': back}, safe='/')}" if back != "/" else where
