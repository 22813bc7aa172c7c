"""The audit log of a part: who did what to whom, chained so that no row can go unseen.

A row is written in the act's transaction (resilience.md, chapter 12). The chain is a keyed hash
over the row before, taken under the lock of the part's audit head, the last lock of a transaction.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ates.kernel import clock
from ates.kernel.events import cause
from ates.kernel.types import BigInt, Blob, Id, UTCDateTime

log = logging.getLogger(__name__)

BEFORE_ALL = bytes(32)
TOLD = ("number", "at", "actor", "act", "object", "before", "after", "reason", "request_id")


class AuditColumns:
    """A part's `<part>_audit`: insert-only, numbered without a gap."""

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[UUID | None] = mapped_column(Id)  # None: the house itself, or a command
    act: Mapped[str] = mapped_column(Text)  # `hold.set`
    object: Mapped[str] = mapped_column(Text)  # `account 17`
    before: Mapped[str | None] = mapped_column(Text)  # JSON
    after: Mapped[str | None] = mapped_column(Text)  # JSON
    reason: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)  # the correlation id
    hash: Mapped[bytes] = mapped_column(Blob)


class AuditHeadColumns:
    """A part's `<part>_audit_head`: one row, where the log ends."""

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInt)
    hash: Mapped[bytes] = mapped_column(Blob)


@dataclass(frozen=True)
class Record:
    """One act. `before` and `after` are plain values: ids, never names or addresses."""

    act: str
    object: str
    actor: UUID | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


@dataclass(frozen=True)
class AuditLog:
    """The audit log of one part: its two tables and the key of its chain."""

    rows: type[AuditColumns]
    head: type[AuditHeadColumns]
    key: bytes = field(repr=False)

    def write(self, session: Session, record: Record) -> int:
        """Append a row inside the act's transaction; gives its number.

        Call it last: everything after it in the transaction makes others wait for the head.
        """
        head = session.execute(
            select(self.head).where(self.head.id == 1).with_for_update()
        ).scalar_one()
        row: dict[str, Any] = {
            "number": head.number + 1,
            "at": clock.now(),
            "actor": record.actor,
            "act": record.act,
            "object": record.object,
            "before": _text(record.before),
            "after": _text(record.after),
            "reason": record.reason,
            "request_id": cause().correlation_id,
        }
        row["hash"] = self._hash(head.hash, row)
        session.execute(insert(self.rows).values(row))
        session.execute(
            update(self.head)
            .where(self.head.id == 1)
            .values(number=row["number"], hash=row["hash"])
            .execution_options(synchronize_session="fetch")
        )
        about = {"audit": row["number"], "act": record.act, "object": record.object}
        log.info("audit %s", record.act, extra=about)
        return int(row["number"])

    def differences(self, session: Session) -> Iterator[str]:
        """What does not hold of the log: a gap, a changed row, a cut tail (I13)."""
        number, before = 0, BEFORE_ALL
        rows = session.scalars(
            select(self.rows).order_by(self.rows.number).execution_options(yield_per=1000)
        )
        for row in rows:
            values = {name: getattr(row, name) for name in (*TOLD, "hash")}
            if values["number"] != number + 1:
                yield f"audit row {values['number']} follows {number}"
            if not hmac.compare_digest(self._hash(before, values), values["hash"]):
                yield f"audit row {values['number']} does not match its hash"
            number, before = values["number"], values["hash"]
        head = session.execute(select(self.head.number, self.head.hash)).one()
        if (head.number, head.hash) != (number, before):
            yield f"the audit log ends with row {number}, its head says {head.number}"

    def _hash(self, before: bytes, row: dict[str, Any]) -> bytes:
        # JSON keeps the fields apart: no two lists of values are one text.
        text = json.dumps([row[name] for name in TOLD], ensure_ascii=False, default=str).encode()
        return hmac.new(self.key, before + text, hashlib.sha256).digest()


def _text(values: dict[str, Any] | None) -> str | None:
    if values is None:
        return None
    return json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
