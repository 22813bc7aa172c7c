"""Lists in pages: opaque cursors, so that none is twice or lost while others write."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from ates.kernel.errors import N_, BadRequest

T = TypeVar("T")
CURSOR = "after"  # the field of a query that carries one; what is no cursor of ours is a 400
LONGEST = 400  # characters of a cursor; ours have under a hundred
BIGGEST = 2**63 - 1  # what a number of a row can be


class Page(Struct, forbid_unknown_fields=True, kw_only=True):
    """The query of a list; what narrows it is declared in a subclass."""

    after: Annotated[
        str | None, Meta(description="`next` of the page before; not to be taken apart.")
    ] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 50


class Listed(Struct, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None


class Cursor:
    """The place of a row in a list, as values of these types: `Cursor(datetime, UUID)`."""

    def __init__(self, *types: Any) -> None:
        self._types = types

    def read(self, text: str | None) -> tuple[Any, ...] | None:
        """The values of the row the page begins behind; None without a cursor.

        Raises BadRequest for one that we did not write.
        """
        if text is None:
            return None
        try:
            if len(text) > LONGEST:
                raise ValueError("longer than any of ours")
            raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            place = msgspec.json.decode(raw, type=tuple[self._types])  # type: ignore[name-defined]
            _check(place)
        except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
            raise BadRequest(N_("This cursor cannot be read. Begin the list again.")) from error
        return tuple(place)

    def write(self, *place: Any) -> str:
        """The cursor of the row with these values."""
        return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()

    def listed(
        self,
        rows: Sequence[Any],
        limit: int,
        place: Callable[[Any], tuple[Any, ...]],
        shown: Callable[[Any], T],
    ) -> Listed[T]:
        """A page of rows of which up to one more than `limit` were read."""
        items = [shown(row) for row in rows[:limit]]
        more = self.write(*place(rows[limit - 1])) if len(rows) > limit else None
        return Listed(items, more)


def _check(place: Sequence[Any]) -> None:
    """Values that no column can hold did not come from a row."""
    for value in place:
        if isinstance(value, int) and abs(value) > BIGGEST:
            raise ValueError("no number of a row")
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("no text of a row")
        if getattr(value, "tzinfo", True) is None:
            raise ValueError("a moment without its zone")
