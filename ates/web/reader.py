"""Who reads the page in hand: language, zone and words, looked up once and not for each figure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any

import flask_babel
from babel.support import NullTranslations
from flask import Flask, g
from flask_babel.speaklater import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

ENGLISH = "en"


@dataclass(frozen=True, eq=False)
class Reader:
    """What Flask-Babel says of the reader. A page asks for it some hundred times."""

    locale: Any  # Babel's, by which we see that another language was chosen meanwhile
    language: str  # `en` or `ru`
    zone: tzinfo
    words: NullTranslations


def init_app(app: Flask, select_language: Callable[[], str], zone: tzinfo, folder: str) -> None:
    """Give the templates their words, in the language that is selected for each request."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = folder
    app.config["BABEL_DEFAULT_LOCALE"] = ENGLISH
    babel = flask_babel.Babel()
    babel.init_app(app, locale_selector=select_language, timezone_selector=lambda: zone)
    app.jinja_env.globals.update(
        _=_gettext, gettext=_gettext, ngettext=_ngettext, pgettext=_pgettext
    )


def present() -> Reader:
    """The reader of the page or letter in hand."""
    try:
        kept = g._get_current_object()._flask_babel  # a proxy would cost more than all the rest
        found: Reader = kept.ates_reader
        if found.locale is kept.babel_locale:
            return found
    except (AttributeError, RuntimeError):  # the first to ask; outside of an application
        pass
    return _asked()


def gettext(sentence: str, **values: object) -> str:
    """A sentence in the reader's language."""
    text = str(present().words.ugettext(sentence))
    return text % values if values else text


def pgettext(thing: str, sentence: str, **values: object) -> str:
    """A word that needs to know what it speaks of (task, day, letter)."""
    text = str(present().words.upgettext(thing, sentence))
    return text % values if values else text


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """A sentence with a number; pass the number as shown: `shown=number(n)`."""
    text = str(present().words.ungettext(one, many, count))
    return text % {"num": count, **values}


def word(thing: str, sentence: str) -> LazyString:
    """Like `pgettext`, translated when it is shown: for tables of words."""
    return LazyString(pgettext, thing, sentence)


def _asked() -> Reader:
    locale = flask_babel.get_locale()
    if locale is None:  # outside of an application
        return Reader(None, ENGLISH, UTC, NullTranslations())
    zone, words = flask_babel.get_timezone(), flask_babel.get_translations()
    found = Reader(locale, str(locale), zone, words)
    g._flask_babel.ates_reader = found
    return found


# --- words of templates ---------------------------------------------------------------------------
# What Jinja's own functions do: values are escaped, and a percent sign is written twice. Those find
# the language through a dozen proxies each time, and a list has hundreds of words.


@pass_eval_context
def _gettext(into: EvalContext, sentence: str, **values: Any) -> str:
    return _said(into, None, sentence, values)


@pass_eval_context
def _pgettext(into: EvalContext, thing: str, sentence: str, **values: Any) -> str:
    return _said(into, thing, sentence, values)


@pass_eval_context
def _ngettext(into: EvalContext, one: str, many: str, count: int, **values: Any) -> str:
    text = present().words.ungettext(one, many, count)
    return _marked(text, into.autoescape) % {"num": count, **values}


def _said(into: EvalContext, thing: str | None, sentence: str, values: dict[str, Any]) -> str:
    words, html = present().words, into.autoescape
    if values:
        return _text(words, html, thing, sentence) % values
    return _bare(words, html, thing, sentence)


@lru_cache(maxsize=5_000)
def _text(words: NullTranslations, html: bool, thing: str | None, sentence: str) -> str:
    return _marked(words.upgettext(thing, sentence) if thing else words.ugettext(sentence), html)


@lru_cache(maxsize=5_000)
def _bare(words: NullTranslations, html: bool, thing: str | None, sentence: str) -> str:
    return _text(words, html, thing, sentence) % {}


def _marked(text: str, html: bool) -> str:
    return Markup(text) if html else str(text)  # noqa: S704 - out of our own catalogue
