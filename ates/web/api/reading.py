"""What a request brings, checked before anything is read: 413, 415, 400, 422 in this order."""

import re
from typing import Any, TypeVar

import msgspec
from flask import request
from msgspec import Struct
from msgspec.structs import fields
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from ates.kernel.errors import N_, BadRequest, Invalid
from ates.web.api.cursors import CURSOR
from ates.web.headers import BODY_LIMIT

T = TypeVar("T")
Q = TypeVar("Q", bound=Struct)
JSON = "application/json"
_AT = re.compile(r"^(?P<words>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(
    r"^Object (?:contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL
)


class Nothing(Struct, forbid_unknown_fields=True):
    """The body of an act that needs none: empty, or `{}`."""


def body(wanted: type[T]) -> T:
    """The body as `wanted`.

    Raises RequestEntityTooLarge (413), UnsupportedMediaType (415), BadRequest for what is no JSON
    (400) and Invalid for a field that does not fit or is unknown (422).
    """
    raw = _bytes()
    if not raw and wanted is Nothing:
        return wanted()
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(N_("The body is not JSON.")) from error
    return _as(data, wanted, strict=True)


def query(wanted: type[Q]) -> Q:
    """The part of the address behind `?` as `wanted`. Raises Invalid (422)."""
    pairs = request.args.to_dict(flat=False)
    for name, values in pairs.items():
        if len(values) > 1:
            raise _invalid(name, N_("Given more than once."))
        if "\x00" in name or ("\x00" in values[0] and name != CURSOR):
            raise _invalid(name.replace("\x00", ""), N_("A sign that no text can have."))
    found = _as({name: values[0] for name, values in pairs.items()}, wanted, strict=False)
    for each in fields(wanted):
        if each.encode_name in pairs and getattr(found, each.name) is None:
            raise _invalid(each.encode_name, N_("Leave it out instead of sending null."))
    return found


def canonical() -> bytes:
    """The body in one spelling, so that spaces and the order of fields make no other act."""
    raw = _bytes()
    return msgspec.json.encode(msgspec.json.decode(raw), order="deterministic") if raw else b""


def _bytes() -> bytes:
    """What was sent. One that does not say its length is cut at the limit by Werkzeug, silently:
    what follows the cut tells."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise RequestEntityTooLarge
    raw = request.get_data(cache=True)
    cut = request.content_length is None and len(raw) >= BODY_LIMIT
    if cut and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return raw


def _as(data: Any, wanted: type[T], *, strict: bool) -> T:
    try:
        return msgspec.convert(data, wanted, strict=strict)
    except msgspec.ValidationError as error:
        found = _AT.match(str(error))
        assert found is not None
        where, words = pointer_of(found["path"] or ""), found["words"]
        raise _invalid(_with_name(where, words), words) from error


def _invalid(where: str, words: str) -> Invalid:
    return Invalid(N_("The request does not fit."), fields={where: words})


def _with_name(where: str, words: str) -> str:
    """A field that is unknown or missing is what the pointer names, not what it belongs to."""
    named = _NAMED.match(words)
    if named is None:
        return where
    name = named["name"].replace("~", "~0").replace("/", "~1")  # RFC 6901
    return f"{where}/{name}" if where else name


def pointer_of(path: str) -> str:
    """`.items[0].name` as `items/0/name`."""
    return "/".join(part for part in re.split(r"[.\[\]]+", path) if part)
