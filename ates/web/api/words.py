"""Types of fields that several parts use, each with its limits and an example."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

# No NUL (PostgreSQL has none), no other control character.
PLAIN = r"^[^\x00-\x1f\x7f]*$"


def example(value: Any, description: str = "") -> Meta:
    """`Annotated[int, example(1241)]`: shown in the description, checked by a test."""
    return Meta(examples=[value], description=description or None)


def line(most: int, value: str, *, least: int = 0, pattern: str = PLAIN) -> Meta:
    """One line of text within these lengths, with an example."""
    return Meta(min_length=least, max_length=most, pattern=pattern, examples=[value])


Me = Annotated[
    str,
    Meta(
        pattern="^(me|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$",
        examples=["me"],
        description="`me`, or the id of a person.",
    ),
]
Line = Annotated[str, line(200, "Count the parrots on the roof")]
CentsAmount = Annotated[int, Meta(examples=[3200], description="Cents of a US dollar, signed.")]
Count = Annotated[int, Meta(ge=0, examples=[12])]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339, UTC.")]


def person_of(text: str, myself: UUID) -> UUID:
    """Whom a `Me` names."""
    return myself if text == "me" else UUID(text)


class Somebody(Struct):
    """A person as others name them; the name is null until the part has heard it."""

    id: UUID
    name: Annotated[str, example("Kesha A.")] | None


class TaskName(Struct):
    """How a task is called; null until the part has heard it."""

    id: UUID
    number: Annotated[int, example(1241)] | None
    title: Annotated[str, example("Count the parrots on the roof")] | None
    jira_id: Annotated[str, example("POPUG-951")] | None
