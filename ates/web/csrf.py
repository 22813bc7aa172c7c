"""Forms are ours: Flask-WTF's token, the browser's word on the origin, and the form's key (S7)."""

from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from werkzeug.exceptions import RequestEntityTooLarge

from ates.config import Config
from ates.kernel import ids
from ates.kernel.errors import N_, BadRequest
from ates.web import problems
from ates.web.access import SAFE
from ates.web.next import safe_next
from ates.web.once import CSRF, sent_key

PARTS = 50  # fields of a form at most


def init_app(app: Flask, config: Config) -> None:
    """Install the checks before every unsafe request and the two fields of `guard()`."""
    app.config.update(
        WTF_CSRF_FIELD_NAME=CSRF,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the browser's session
        WTF_CSRF_CHECK_DEFAULT=False,  # we call it, in our order
        WTF_CSRF_SSL_STRICT=False,  # the origin is checked below, not the referrer
        WTF_CSRF_HEADERS=[],
    )
    protect = CSRFProtect()
    protect.init_app(app)
    app.extensions["ates.csrf"] = protect
    app.extensions["ates.hosts"] = {urlsplit(config.url).netloc} - {""}
    app.before_request(check)
    app.jinja_env.globals["csrf"] = token
    app.jinja_env.globals["form_key"] = form_key


def check() -> None:
    """Let an unsafe request pass only with our token, from our own pages.

    Raises BadRequest, or RequestEntityTooLarge for a form with too many fields.
    """
    if request.endpoint is None or request.method in SAFE or problems.asked():
        return  # the API takes no cookie, so no other site can use somebody's
    if sum(1 for _ in request.form.items(multi=True)) > PARTS:
        raise RequestEntityTooLarge
    if not _own_origin():
        raise BadRequest(N_("This form did not come from aTES. Open the page again."))
    try:
        current_app.extensions["ates.csrf"].protect()
    except CSRFError as error:
        raise BadRequest(N_("The page was too old.")) from error


def genuine() -> bool:
    """Whether the form in hand came from our own page, with a right token."""
    try:
        check()
    except (BadRequest, RequestEntityTooLarge):
        return False
    return True


def forget() -> None:
    """Begin a request anew, also where several share an application context."""
    for name in (CSRF, "csrf_valid", "ates_kept_key"):
        g.pop(name, None)


def keep_key() -> None:
    """The form is drawn again after a refusal: its key was not used up."""
    g.ates_kept_key = sent_key() if request.method == "POST" else None


def token() -> str:
    """Flask-WTF's token, the same in all forms of a page; it reads its settings anew each time."""
    made: str | None = g.get(CSRF)
    return made or str(generate_csrf())


def form_key() -> str:
    """A fresh random key for a drawn form, or the kept one, once."""
    kept = g.pop("ates_kept_key", None)
    return str(kept) if kept else ids.token()


def own_path(address: str | None) -> str:
    """The path of an address of this site; the home page for any other."""
    parts = urlsplit(address or "")
    if parts.netloc != request.host:
        return "/"
    return safe_next(parts.path + (f"?{parts.query}" if parts.query else ""))


def _own_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True  # an old browser; the token decides
    return urlsplit(origin).netloc in current_app.extensions["ates.hosts"] | {request.host}
