"""The catalogue holds every sentence of the program, and what is compiled is what is written."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import flask_babel
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from ates.web import i18n

from .shop import Shop

ROOT = i18n.FOLDER.parent
RUSSIAN = i18n.FOLDER / "ru" / "LC_MESSAGES"
# The same as `make translations` gives to pybabel.
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "N_": None,
    "said": None,
    "word": ((1, "c"), 2),
}


@cache
def written() -> Catalog:
    with (RUSSIAN / "messages.po").open("rb") as file:
        return read_po(file, locale="ru")


def extracted() -> Iterator[tuple[str, str | None, str]]:
    """File, context and English of every sentence in code and templates."""
    settings = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
    methods = [(each["pattern"], each["method"]) for each in settings["tool"]["babel"]["mappings"]]
    found = extract_from_dir(ROOT, methods, keywords=KEYWORDS)
    for file, _line, message, _comments, context in found:
        yield file, context, message if isinstance(message, str) else message[0]


def plural(text: object) -> tuple[str, ...]:
    """A text of a catalogue as its forms, one or several."""
    if isinstance(text, tuple | list):
        return tuple(str(each) for each in text)
    return (str(text or ""),)


def forms(message: Message) -> tuple[str, ...]:
    """The translation, one text per plural form."""
    return plural(message.string)


def words_of(catalog: Catalog) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Everything that is translated: context and English -> Russian."""
    return {(place(m), plural(m.id)[0]): forms(m) for m in catalog if m.id and any(forms(m))}


def place(message: Message) -> str | None:
    """The context; Babel reads it from a compiled catalogue as bytes."""
    context: object = message.context
    return context.decode() if isinstance(context, bytes) else message.context


def known(context: str | None, english: str) -> Message | None:
    return written().get(english, context)


def test_every_sentence_is_in_the_catalogue() -> None:
    missing = {(context, text) for _, context, text in extracted() if known(context, text) is None}
    assert not missing, "run `make translations`"


def test_the_shell_speaks_russian_throughout() -> None:
    bare = {
        text
        for file, context, text in extracted()
        if Path(file).parts[0] in ("web", "kernel")
        and not all(forms(message) if (message := known(context, text)) else [""])
    }
    assert not bare


def test_names_of_values_are_kept() -> None:
    for message in written():
        if not message.id or not any(forms(message)):
            continue
        names = set(re.findall(r"%\((\w+)\)s", " ".join(plural(message.id))))
        for text in forms(message):
            assert set(re.findall(r"%\((\w+)\)s", text)) == names, message.id


def test_the_compiled_catalogue_is_current() -> None:
    with (RUSSIAN / "messages.mo").open("rb") as file:
        compiled = read_mo(file)
    assert words_of(compiled) == words_of(written())


def test_russian_plurals(shop: Shop) -> None:
    forms = {0: 2, 1: 0, 2: 1, 5: 2, 11: 2, 21: 0, 22: 1, 25: 2, 101: 0, 111: 2}
    words = ("счёт", "счёта", "счетов")
    with shop.app.app_context(), flask_babel.force_locale("ru"):
        for count, form in forms.items():
            shown = i18n.ngettext("%(shown)s account", "%(shown)s accounts", count, shown=count)
            assert shown == f"{count} {words[form]}"
