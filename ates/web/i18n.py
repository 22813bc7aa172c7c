"""Languages: which one is spoken, and refusals and letters in words."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
from flask import Flask, current_app, has_request_context, request

from ates.config import Config
from ates.contracts.auth import Role
from ates.web import formats, identity, reader
from ates.web.reader import gettext as gettext
from ates.web.reader import ngettext as ngettext
from ates.web.reader import pgettext as pgettext

LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский"}
COOKIE = "lang"
FOLDER = Path(__file__).parent.parent / "translations"


def init_app(app: Flask, config: Config) -> None:
    """Language of the reader, zone of the business day, catalogue and formats for templates."""
    reader.init_app(app, _language, ZoneInfo(config.timezone), str(FOLDER))
    app.jinja_env.globals.update(formats.TEMPLATE_GLOBALS)


def language() -> str:
    """`en` or `ru`: the language of the page in hand."""
    return reader.present().language


def forget() -> None:
    """Begin a request anew, also where several share an application context."""
    flask_babel.refresh()


def sentence(msgid: str, values: Mapping[str, object] | None = None) -> str:
    """A refusal's sentence, translated, with its values formatted for the reader.

    Moments, days, roles and numbers are written in words; a whole number whose name ends in
    `cents` is an amount of money.
    """
    own: Mapping[str, object] = getattr(msgid, "values", {})
    shown = {name: _shown(name, each) for name, each in {**(values or {}), **own}.items()}
    words = gettext(str(msgid))
    return words % shown if shown else words


def render_letter(template: str, locale: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and body of a letter, in the receiver's language; needs no request, only the app.

    The template's first line is the subject, then comes an empty line, then the body.
    """
    with flask_babel.force_locale(locale if locale in LANGUAGES else "en"):
        text = current_app.jinja_env.get_template(template).render(**values)
    subject, _, body = text.strip().partition("\n")
    return subject.strip(), body.strip("\n") + "\n"


def _language() -> str:
    """Of the signed-in person, else the cookie, else what the browser asks for."""
    if not has_request_context():
        return "en"
    person = identity.seen()
    if person is not None and person.locale in LANGUAGES:
        return person.locale
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def _shown(name: str, value: object) -> object:
    if isinstance(value, datetime):
        return formats.moment_text(value)
    if isinstance(value, date):
        return formats.day_text(value)
    if isinstance(value, Role):
        return formats.role_word(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return formats.money(value) if name.endswith("cents") else formats.number(value)
    return value
