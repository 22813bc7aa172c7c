"""What people type, read and checked: forms as plain typed classes.

class NewTask(Form):
    title = line(200, required=N_("Write what has to be done"))
    description = text(10_000)

form = NewTask.sent()      # of a POST; NewTask.asked() of a search form in the address
form.check()               # raises Invalid with a sentence per field
form.title                 # clean: trimmed, NFC
form.values["title"]       # as it was typed, to draw the form again
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Any, ClassVar, Generic, Self, TypeVar, overload
from uuid import UUID

from flask import request

from ates.kernel.errors import N_, Invalid
from ates.web.formats import read_money

T = TypeVar("T")
Choice = TypeVar("Choice", bound=Enum)


class Said(str):
    """A msgid that brings its own values: `said(N_("At most %(limit)s characters"), limit=200)`."""

    values: Mapping[str, object]


def said(sentence: str, **values: object) -> Said:
    """A sentence beside a field, with named values."""
    made = Said(sentence)
    made.values = values
    return made


class Wrong(Exception):
    """What was typed into one field does not fit; the argument is the msgid to show."""

    @property
    def sentence(self) -> str:
        return self.args[0]  # type: ignore[no-any-return] # made with a str only


class Field(Generic[T]):
    """One field: how its text is read. Without text it is `empty`, or refused if `required`."""

    def __init__(
        self, read: Callable[[str], T], empty: T, required: str | None = None, trim: bool = True
    ) -> None:
        self.read, self.empty, self.required, self.trim = read, empty, required, trim
        self.name = ""

    def __set_name__(self, owner: type["Form"], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, form: None, owner: type) -> Self: ...
    @overload
    def __get__(self, form: "Form", owner: type) -> T: ...
    def __get__(self, form: "Form | None", owner: type) -> "Self | T":
        if form is None:
            return self
        return form.clean.get(self.name, self.empty)  # type: ignore[no-any-return]

    def take(self, typed: str) -> T:
        """The clean value. Raises Wrong."""
        text = unicodedata.normalize("NFC", typed.strip() if self.trim else typed)
        if not text:
            if self.required:
                raise Wrong(self.required)
            return self.empty
        return self.read(text)


class Form:
    """The fields of one form: as typed (`values`), clean (attributes), wrong (`errors`)."""

    fields: ClassVar[dict[str, Field[Any]]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: each for name, each in vars(cls).items() if isinstance(each, Field)}
        cls.fields = {**cls.fields, **own}

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """An unsent form, drawn with these values."""
        self.values: dict[str, str] = dict.fromkeys(self.fields, "") | dict(values or {})
        self.clean: dict[str, Any] = {}
        self.wrong: dict[str, str] = {}  # field -> msgid
        self.errors: dict[str, str] = {}  # field -> sentence in the reader's language

    @classmethod
    def sent(cls) -> Self:
        """What a POST brought. Unknown fields are ignored."""
        return cls._read(request.form)

    @classmethod
    def asked(cls) -> Self:
        """What the address asks for; wrong values fall back to empty, `wrong` says which."""
        return cls._read(request.args)

    def check(self) -> None:
        """Raise Invalid naming every wrong field."""
        if self.wrong:
            raise Invalid(N_("There is a problem"), fields=self.wrong)

    @classmethod
    def _read(cls, source: Mapping[str, str]) -> Self:
        form = cls({name: source.get(name, "") for name in cls.fields})
        for name, each in cls.fields.items():
            try:
                form.clean[name] = each.take(form.values[name])
            except Wrong as wrong:
                form.wrong[name] = wrong.sentence
        return form


# --- kinds of fields ------------------------------------------------------------------------------


def line(
    longest: int,
    *,
    required: str | None = None,
    pattern: str | None = None,
    shape: str = N_("This does not have the right form."),
) -> Field[str]:
    """One line of text; `shape` is said when it does not match `pattern` as a whole."""

    def read(text: str) -> str:
        plain = _plain(text, longest, breaks=False)
        if pattern is not None and not re.fullmatch(pattern, plain):
            raise Wrong(shape)
        return plain

    return Field(read, "", required)


def text(longest: int, *, required: str | None = None) -> Field[str]:
    """Text with line breaks, which become `\\n`."""

    def read(typed: str) -> str:
        return _plain(typed.replace("\r\n", "\n").replace("\r", "\n"), longest, breaks=True)

    return Field(read, "", required)


def reason() -> Field[str]:
    """Why: 10 to 500 characters, for the record."""
    sentence = N_("Write the reason in 10 to 500 characters.")

    def read(typed: str) -> str:
        if len(typed) < 10:
            raise Wrong(sentence)
        return text(500).read(typed)

    return Field(read, "", sentence)


def secret(shortest: int, longest: int, *, required: str) -> Field[str]:
    """A password: kept as it is (NFC), not trimmed."""

    def read(typed: str) -> str:
        if len(typed) < shortest:
            raise Wrong(said(N_("Use at least %(limit)s characters."), limit=shortest))
        return _plain(typed, longest, breaks=False)

    return Field(read, "", required, trim=False)


def email(*, required: str) -> Field[str]:
    """One address of at most 254 characters; the mail server has the last word."""
    return line(
        254,
        required=required,
        pattern=r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\.]+(\.[^\s@,;:<>()\[\]\"\\.]+)*",
        shape=N_("Write one e-mail address, like polly@example.com."),
    )


def choice(among: type[Choice], *, required: str | None = None) -> Field[Choice | None]:
    """One of the values of an enumeration."""

    def read(typed: str) -> Choice | None:
        try:
            return among(typed)
        except ValueError:
            raise Wrong(N_("Choose one of the list.")) from None

    return Field(read, None, required)


def whole(low: int, high: int, *, required: str | None = None) -> Field[int | None]:
    """A whole number from `low` to `high`."""

    def read(typed: str) -> int | None:
        if not re.fullmatch(r"-?\d{1,18}", typed, re.ASCII) or not low <= int(typed) <= high:
            problem = N_("Write a whole number from %(low)s to %(high)s.")
            raise Wrong(said(problem, low=low, high=high))
        return int(typed)

    return Field(read, None, required)


def amount(*, required: str | None = None) -> Field[int | None]:
    """Cents from `12,50`, `12.50`, `1 200`; whatever can be read in two ways is refused."""

    def read(typed: str) -> int | None:
        cents = read_money(typed)
        if cents is None:
            raise Wrong(N_("Write 1200.50 or 1200,50"))
        return cents

    return Field(read, None, required)


def day(*, required: str | None = None) -> Field[date | None]:
    """A day as browsers send it (`2026-11-22`)."""

    def read(typed: str) -> date | None:
        try:
            return date.fromisoformat(typed)
        except ValueError:
            raise Wrong(N_("Write the day as 2026-11-22.")) from None

    return Field(read, None, required)


def public_id(*, required: str | None = None) -> Field[UUID | None]:
    """The public id of a person or a thing."""

    def read(typed: str) -> UUID | None:
        try:
            return UUID(typed)
        except ValueError:
            raise Wrong(N_("Choose one of the list.")) from None

    return Field(read, None, required)


def tick() -> Field[bool]:
    """A box that is ticked or not."""
    return Field(lambda typed: True, False)


# --- letters that are refused ---------------------------------------------------------------------


def _plain(typed: str, longest: int, *, breaks: bool) -> str:
    """Refuse what cannot be seen: control, bidi and private characters, half surrogates."""
    for letter in typed:
        if breaks and letter in "\n\t":
            continue
        if not _visible(letter):
            raise Wrong(N_("Take out the invisible characters."))
    if len(typed) > longest:
        raise Wrong(said(N_("Use at most %(limit)s characters."), limit=longest))
    return typed


_JOINERS = "\u200c\u200d"  # needed inside words of some scripts and inside emoji


def _visible(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return letter in _JOINERS or kind not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
