"""The hash chain over the blocks of the ledger, and the seals of closed days (books.md, 13)."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from ates.contracts.accounting import Kind

BEFORE_ALL = bytes(32)  # the hash before the first block
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
KEPT = 16_384  # values whose bytes are kept

Value = int | str | bytes | UUID | date | datetime | None


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as it is hashed: the person instead of the account, which must not change hands."""

    entry_no: int
    person_id: UUID
    account_seq: int
    kind: Kind
    source_id: UUID
    source_no: int
    amount_cents: int
    balance_cents: int
    business_date: date
    occurred_on: date
    occurred_at: datetime
    posted_at: datetime
    event_id: UUID | None

    def canon(self) -> bytes:
        """`canon` of all fields in this order, written out, since each event has an entry: what
        comes again and again is made once."""
        event_id, entry_no = self.event_id, b"%d" % self.entry_no
        occurred_at = b"%d" % ((self.occurred_at - EPOCH) // MICROSECOND)
        return b"".join((
            SIZES[len(entry_no)], entry_no,
            ID, self.person_id.int.to_bytes(16),
            PIECES[self.account_seq],
            PIECES[self.kind],
            ID, self.source_id.int.to_bytes(16),
            PIECES[self.source_no],
            PIECES[self.amount_cents],
            PIECES[self.balance_cents],
            PIECES[self.business_date],
            PIECES[self.occurred_on],
            SIZES[len(occurred_at)], occurred_at,
            PIECES[self.posted_at],
            NOTHING if event_id is None else ID + event_id.int.to_bytes(16),
        ))  # fmt: skip


class Hashed(Protocol):
    """An entry as a block hashes it: a Line, or its bytes made otherwise."""

    @property
    def entry_no(self) -> int: ...

    def canon(self) -> bytes: ...


def canon(*values: Value) -> bytes:
    """Bytes in which no two lists of values look alike: each value carries its length."""
    out = []
    for value in values:
        if value is None:
            out.append(NOTHING)
            continue
        data = BYTES[type(value)](value)
        size = len(data)
        out.append(SIZES[size] if size < len(SIZES) else b"\x01" + size.to_bytes(4))
        out.append(data)
    return b"".join(out)


def block_hash(
    key: bytes, before: bytes, block_no: int, posted_at: datetime, lines: Sequence[Hashed]
) -> bytes:
    """The keyed hash of a block and of all before it. `lines` are its entries in order."""
    assert lines, "a block has entries"
    digest = hashlib.sha256(b"".join([line.canon() for line in lines])).digest()
    text = canon(before, block_no, lines[0].entry_no, lines[-1].entry_no, posted_at, digest)
    return hmac.new(key, text, hashlib.sha256).digest()


def day_seal(key: bytes, *fields: Value) -> bytes:
    """The keyed digest of a closed day: business_date, starts_at, ends_at, close_entry_no, last
    hash, and the day's fees, rewards and adjustments in signed cents, in this order."""
    return hmac.new(key, canon(*fields), hashlib.sha256).digest()


# By type, since each entry has thirteen values and each event an entry.
BYTES: dict[type[Any], Callable[[Any], bytes]] = {
    bytes: lambda value: value,
    UUID: lambda value: value.int.to_bytes(16),
    datetime: lambda value: b"%d" % ((value - EPOCH) // MICROSECOND),
    date: lambda value: value.isoformat().encode(),
    int: lambda value: b"%d" % value,
    str: str.encode,
}
SIZES = [b"\x01" + size.to_bytes(4) for size in range(64)]
ID = SIZES[16]  # before the bytes of a UUID
NOTHING = b"\x00"


def number(value: int) -> bytes:
    """The canonical bytes of a whole number."""
    text = b"%d" % value
    return SIZES[len(text)] + text


class _Pieces(dict[Value, bytes]):
    """The canonical bytes of values that come again and again."""

    def __missing__(self, value: Value) -> bytes:
        if len(self) >= KEPT:
            self.clear()
        made = self[value] = canon(value)
        return made


PIECES = _Pieces()
