"""Consumers: what a part hears, and how the log reaches it in batches (events.md, chapter 5)."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session


class Unit(Protocol):
    """What handlers write through: opened per batch, flushed once, dropped at any time."""

    def flush(self) -> None: ...


H = TypeVar("H", bound=Callable[..., None])


class Inbox:
    """What a part hears: `Inbox("accounting", unit=Posting)`, then `@inbox.on(TaskAssigned)`."""

    def __init__(
        self,
        name: str,
        unit: Callable[[Session], Any] = lambda session: session,
        *,
        rebuildable: bool = False,
    ) -> None:
        self.name, self.unit, self.rebuildable = name, unit, rebuildable

    def on(self, cls: type[Any]) -> Callable[[H], H]:
        """Handle events of `cls`. A second handler for the same class is refused at import."""
        raise AssertionError("being written")
