"""Headers on every answer, limits on every request, hashed addresses of files (S12, S13)."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.security import safe_join

from ates.config import Config
from ates.web.identity import cookies_of

BODY_LIMIT = 64 * 1024
PARTS_LIMIT = 50
YEAR = 365 * 24 * 3600

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TRANSPORT = {"Strict-Transport-Security": f"max-age={YEAR}; includeSubDomains"}
VARY = ("Cookie", "Accept-Language", "HX-Request")


def init_app(app: Flask, config: Config) -> None:
    """Install limits, Flask's own cookie (form tokens only), headers and hashed file addresses."""
    cookies = cookies_of(config)
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT,
        MAX_FORM_PARTS=PARTS_LIMIT,
        SESSION_COOKIE_NAME=cookies.form,
        SESSION_COOKIE_SECURE=cookies.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.secret_key = config.secret_key
    if config.production:  # an address that is not ours must not end up in a link
        app.config["TRUSTED_HOSTS"] = [urlsplit(config.url).hostname, "localhost", "127.0.0.1"]
    always = HEADERS | (TRANSPORT if config.production else {})

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(always)
        return _cached(response) if _is_file() else _private(response)

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            digest = file_hash(str(app.static_folder), str(values["filename"]))
            if digest is not None:
                values["v"] = digest

    def _is_file() -> bool:
        return request.endpoint == "static"

    def _cached(response: Response) -> Response:
        """With the right hash it never changes; else the browser asks each time."""
        name = str((request.view_args or {}).get("filename", ""))
        right = request.args.get("v") == file_hash(str(app.static_folder), name)
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR}, immutable"
            if right and response.status_code in (200, 206, 304)
            else "no-cache"
        )
        return response


@lru_cache(maxsize=100)
def file_hash(folder: str, name: str) -> str | None:
    """The beginning of a file's SHA-256; None if there is no such file."""
    path = safe_join(folder, name)
    if path is None or not Path(path).is_file():
        return None
    return sha256(Path(path).read_bytes()).hexdigest()[:16]


def _private(response: Response) -> Response:
    """Pages are for one person, in one language, whole or in part; nobody keeps them."""
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(VARY)
    return response
