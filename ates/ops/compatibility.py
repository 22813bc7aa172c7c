"""What may change in the schema of an event that somebody already reads: it may gain, no more."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Why readers or stored events of `old` would not get on with `new`; empty if they do.

    Allowed are new optional fields with a default, and other words. Everything else (removed,
    renamed, retyped or newly required fields, other listed values or patterns) is a new version.
    """
    return list(_breaks(old, new, "the event"))


def _breaks(old: Schema, new: Schema, where: str) -> Iterator[str]:
    yield from _fields(old, new, where)
    kinds: tuple[Schema, Schema] = (old.get("$defs", {}), new.get("$defs", {}))
    for name, kind in kinds[0].items():
        if name in kinds[1]:  # a kind that nothing refers to any more shows as a retyped field
            yield from _fields(kind, kinds[1][name], name)


def _fields(old: Schema, new: Schema, where: str) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name, rule in before.items():
        if name not in now:
            yield f"{where} lost {name}"
        elif _plain(rule) != _plain(now[name]):
            yield f"{name} of {where} changed"
        elif (name in needed) != (name in needs):
            yield f"{name} of {where} is {'required' if name in needs else 'optional'} now"
    for name in now.keys() - before.keys():
        if name in needs or "default" not in now[name]:
            yield f"{where} got {name}, which is not optional with a default"
    if {"enum": old.get("enum")} != {"enum": new.get("enum")}:
        yield f"the values of {where} changed"


def _plain(rule: Any) -> Any:
    """A rule without its words."""
    if isinstance(rule, Mapping):
        return {name: _plain(each) for name, each in rule.items() if name != "description"}
    return [_plain(each) for each in rule] if isinstance(rule, list) else rule
