"""The head of the ledger: locked first by every writer, moved last, with the events it says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ates.accounting.models import Head
from ates.contracts.accounting import LEDGER
from ates.kernel.bus import publish_all
from ates.kernel.envelope import Meta
from ates.kernel.events import caused_by, made
from ates.kernel.worded import Worded

HEAD: Any = Head.__table__
MOVED = ("last_entry_no", "last_block_no", "last_hash", "last_account_id", "said")
# Worded once: they run with each batch.
STATE = (*MOVED, "verified_block_no")
LOCK = Worded(select(*(HEAD.c[name] for name in STATE)).where(HEAD.c.id == 1).with_for_update())
SAVE = Worded(
    update(HEAD).where(HEAD.c.id == 1).values({name: bindparam(f"new_{name}") for name in MOVED})
)


@dataclass
class Ledger:
    """Where the ledger ends. While it is locked nobody else writes to the books."""

    session: Session
    last_entry_no: int
    last_block_no: int
    last_hash: bytes
    last_account_id: int
    said: int
    verified_block_no: int
    events: list[Any] = field(default_factory=list)

    @classmethod
    def lock(cls, session: Session) -> Self:
        """Wait for the other writers. Read nothing before: it would be from before their commit."""
        return cls(session, *LOCK.run(session).fetchone())

    def say(self, cls: type[Any], **data: Any) -> None:
        """Note the ledger's next event; `save` publishes them in this order.

        Prices, entries and cards may be rows: msgspec checks them as it makes the event.
        """
        self.said += 1
        self.events.append(made(cls, ledger=LEDGER, key_version=self.said, **data))

    def save(self, cause: Meta | None = None) -> None:
        """Write the head and publish. `cause` is the one event that all of it comes from, if so."""
        SAVE.run(self.session, **{f"new_{name}": getattr(self, name) for name in MOVED})
        said, self.events = self.events, []
        publish_all(self.session, said if cause is None else [caused_by(cause, e) for e in said])


def plain(moment: datetime) -> str:
    """A moment in a report for people who look after the books."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}Z"
