"""What a part hears: its inbox, and what handlers write through."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from blinker import Signal
from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from ates.kernel.errors import ConfigError
from ates.kernel.events import contracts, is_contract

H = TypeVar("H", bound=Callable[..., None])


class Unit(Protocol):
    """What handlers write through: opened per batch, flushed once, dropped at any time."""

    def flush(self) -> None: ...


class Inbox:
    """What a part hears: `Inbox("accounting", unit=Posting)`, then `@inbox.on(TaskAssigned)`.

    `unit(session)` makes what handlers write through; by default it is the session itself. A
    rebuildable inbox keeps read models only: within it nothing can be published, and the rows of
    its `tables` belong to a generation each (kernel.rebuild).
    """

    def __init__(
        self,
        name: str,
        unit: Callable[[Session], Any] = lambda session: session,
        *,
        rebuildable: bool = False,
        tables: MetaData | None = None,
    ) -> None:
        self.name, self.unit = name, unit
        self.rebuildable, self.tables = rebuildable, tables
        self.signal = Signal(f"What {name} does when others speak.")
        self.types: set[str] = set()

    def on(self, cls: type[Any]) -> Callable[[H], H]:
        """Handle events of `cls`: the handler translates, in three lines, and writes to the unit.

        It never commits, catches, retries, sends or asks the time. Raises ConfigError at import for
        a class that is no contract and for a second handler: blinker's order is undefined.
        """
        if not is_contract(cls):
            raise ConfigError(f"{self.name} hears {cls.__name__}, which is no event contract.")

        def connect(handler: H) -> H:
            if any(self.signal.receivers_for(cls)):
                raise ConfigError(f"{self.name} has two handlers for {cls.__name__}.")
            self.signal.connect(handler, sender=cls, weak=False)
            self.types.update(name for name, each in contracts.items() if each.cls is cls)
            return handler

        return connect

    def handlers(self) -> dict[str, Callable[[Any, Any], None]]:
        """By type of event; resolved once per batch, since asking blinker costs for each event."""
        return {
            name: receiver
            for name in self.types
            for receiver in self.signal.receivers_for(contracts[name].cls)
        }

    @property
    def unheard(self) -> frozenset[str]:
        """Types that today's code knows and this part does not listen to."""
        return frozenset(contracts) - self.types
