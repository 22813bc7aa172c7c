"""Contracts: what an event is, how it is written and read, and what it knows of itself."""

import builtins
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from types import new_class
from typing import Annotated, Any, TypeVar, dataclass_transform

import msgspec

from ates.kernel.envelope import Meta
from ates.kernel.errors import UnknownEvent

E = TypeVar("E")
Data = dict[str, Any]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]  # an aware moment; a naive one is refused


def Pattern(expression: str) -> msgspec.Meta:  # noqa: N802 - reads as a type in a contract
    """A text that matches `expression` as a whole."""
    return msgspec.Meta(pattern=f"^(?:{expression})$")


@dataclass(frozen=True, slots=True)
class Contract:
    """All that is fixed about one kind of event; the class is always its newest version."""

    type: str  # "tasks.task_assigned"
    version: int
    key: str  # the field that names the aggregate
    cls: builtins.type[Any]
    write: Callable[[Any], bytes]  # canonical, not proven
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]  # of data as it is today
    parse: Callable[[str], Any]  # of the text of such data

    @property
    def source(self) -> str:
        """The part that says it."""
        return self.type.partition(".")[0]


contracts: dict[str, Contract] = {}  # by type
_by_class: dict[type[Any], Contract] = {}
_upcasters: dict[tuple[str, int], Callable[[Data], Data]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str, *, version: int, key: str) -> Callable[[type[E]], type[E]]:
    """Declare a contract: a frozen keyword-only struct with a strict encoder and decoder.

    `key` names the field of the aggregate the event is about; `key_version`, in every contract, is
    that aggregate's own event number (1, 2, 3 …) and travels in the envelope. A repeated type, a
    missing field or a hint that cannot be checked is refused at import (AssertionError, TypeError).
    """

    def declare(cls: type[E]) -> type[E]:
        assert name not in contracts, f"{name} is declared twice"
        made = _struct(cls)
        assert {key, "key_version"} <= set(made.__struct_fields__), (
            f"{name} needs {key} and key_version"
        )
        read, write = msgspec.json.Decoder(made).decode, _writer(made)
        contract = Contract(
            name, version, key, made, write, _encoder(made, write), _decoder(made), read
        )
        contracts[name] = _by_class[made] = contract
        declared: type[E] = made
        return declared

    return declare


def upcast(
    name: str, *, from_version: int
) -> Callable[[Callable[[Data], Data]], Callable[[Data], Data]]:
    """Register a pure function that turns data of `from_version` into the next version's.

    It never raises on data the old schema allows, and stays as long as the log.
    """

    def register(function: Callable[[Data], Data]) -> Callable[[Data], Data]:
        assert (name, from_version) not in _upcasters, f"two upcasters for {name} {from_version}"
        _upcasters[name, from_version] = function
        return function

    return register


def contract_of(cls: type[Any]) -> Contract:
    """The contract of an event class. Raises KeyError for any other class."""
    return _by_class[cls]


def is_contract(cls: type[Any]) -> bool:
    return cls in _by_class


def key_of(event: Any) -> str:
    """`task_id:0190…`: the aggregate's name with its value, so kinds never share a stream."""
    name = _by_class[type(event)].key
    return f"{name}:{getattr(event, name)}"


def meta_of(event: Any) -> Meta:
    """The envelope of an event that was delivered or published. Raises KeyError for a fresh one."""
    meta: Meta | Callable[[], Meta] = event.__dict__["_meta"]
    if isinstance(meta, Meta):
        return meta
    event.__dict__["_meta"] = found = meta()
    return found


def attach(event: Any, meta: Meta | Callable[[], Meta]) -> Any:
    """Give an event its envelope; a function is called at the first `meta_of`."""
    event.__dict__["_meta"] = meta
    return event


def readable(name: str, version: int) -> bool:
    """Whether today's code can read this."""
    contract = contracts.get(name)
    if contract is None or version > contract.version:
        return False
    return all((name, step) in _upcasters for step in range(version, contract.version))


def load(name: str, version: int, data: Data, key_version: int) -> Any:
    """An event from stored data: upcast, unknown fields dropped, defaults filled.

    Raises UnknownEvent for a type or version this code does not know, msgspec.ValidationError for
    data that does not fit.
    """
    contract = contracts.get(name)
    if contract is None or version > contract.version:
        raise UnknownEvent(f"{name} version {version} is not known here")
    while version < contract.version:
        try:
            step = _upcasters[name, version]
        except KeyError:
            raise UnknownEvent(f"no way from {name} version {version}") from None
        data, version = step(data), version + 1
    return contract.decode({**data, "key_version": key_version})


def parse(name: str, version: int, text: str, key_version: int) -> Any:
    """Like `load`, from the stored text: one step in C for data of today's version."""
    contract = contracts.get(name)
    if contract is not None and version == contract.version:
        try:
            return contract.parse(f'{text[:-1]},"key_version":{key_version}}}')
        except msgspec.DecodeError:
            pass  # an empty object, or data that does not fit: told properly below
    return load(name, version, msgspec.json.decode(text), key_version)


def made(cls: type[E], **data: Any) -> E:
    """An event from data that is checked on the way (nested contracts may be mappings).

    For events of many lines: what was made so needs no second proof, and is written while its lines
    are in the caches. Raises msgspec.ValidationError.
    """
    event = msgspec.convert(data, cls)
    event.__dict__["_written"] = _by_class[cls].write(event)
    return event


def _struct(cls: type[Any]) -> Any:
    """A struct that says what a class says: made and read in half the time of a dataclass. It has
    room for its envelope."""
    body = {
        name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")
    }
    how = {"frozen": True, "kw_only": True, "dict": True}
    return new_class(cls.__name__, (msgspec.Struct,), how, lambda made: made.update(body))


def _encoder(cls: type[Any], write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Canonical JSON, proven readable before it is used."""

    def encode(event: Any) -> bytes:
        written: bytes | None = event.__dict__.get("_written")
        if written is not None:
            return written
        plain = msgspec.to_builtins(event)
        if msgspec.convert(plain, cls) != event:  # strictly what a consumer will read
            raise msgspec.ValidationError(f"{cls.__name__} would not be read as it was said")
        return write(event)

    return encode


def _writer(cls: type[Any]) -> Callable[[Any], bytes]:
    """JSON with sorted keys, without the key_version."""
    encoder = msgspec.json.Encoder(order="sorted")
    names = [name for name in cls.__struct_fields__ if name != "key_version"]
    return lambda event: encoder.encode({name: getattr(event, name) for name in names})


def _decoder(cls: type[Any]) -> Callable[[Any], Any]:
    def decode(data: Any) -> Any:
        return msgspec.convert(data, cls)

    return decode


# --- the cause: which event or request a new event comes from -------------------------------------


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Where an event comes from: one correlation id from click to letter."""

    correlation_id: str | None = None
    causation_id: str | None = None
    actor: str | None = None


class Hand:
    """The event that a drain hands over; the next one is put in by setting it."""

    __slots__ = ("meta",)

    def __init__(self) -> None:
        self.meta: Meta | None = None


_NOTHING = Cause()
_cause: ContextVar[Cause | Hand] = ContextVar("cause", default=_NOTHING)


def cause() -> Cause:
    """The event in hand, or the request."""
    by = _cause.get()
    if isinstance(by, Cause):
        return by
    return _NOTHING if by.meta is None else _from(by.meta)


@contextmanager
def caused(by: Cause | Hand) -> Iterator[None]:
    """Within the block, new events come from `by`, or from what `set_cause` says in it."""
    token = _cause.set(by)
    try:
        yield
    finally:
        _cause.reset(token)


def set_cause(by: Cause) -> None:
    """For the shell, at the start of a request."""
    _cause.set(by)


def _from(meta: Meta) -> Cause:
    return Cause(meta.correlation_id, str(meta.id), meta.actor)


def caused_by(meta: Meta, event: E) -> E:
    """Say that `event` comes from the event of `meta`, not from what is in hand."""
    event.__dict__["_cause"] = _from(meta)
    return event


def happened(at: datetime, event: E) -> E:
    """Say when the fact of `event` happened, to the microsecond as its part has written it down.

    Without it an event happens as it is published: a moment later than what it tells of, which is
    enough to be in another day.
    """
    event.__dict__["_at"] = at
    return event


def schema(contract: Contract) -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of an event's data, as it is exported to `schemas/`."""
    (made,), defined = msgspec.json.schema_components([contract.cls])
    body = dict(defined[contract.cls.__name__]) if "$ref" in made else dict(made)
    properties = {
        name: value for name, value in body["properties"].items() if name != "key_version"
    }
    body["properties"] = properties
    body["required"] = [name for name in body.get("required", ()) if name != "key_version"]
    return {
        **body,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{contract.type} version {contract.version}",
        **({"$defs": others} if (others := _others(defined, contract)) else {}),
    }


def _others(defined: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    return {name: body for name, body in defined.items() if name != contract.cls.__name__}
