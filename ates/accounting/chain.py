"""The hash chain over the blocks of the ledger, and the seals of closed days (books.md, 13)."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

BEFORE_ALL = bytes(32)  # the hash before the first block
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Value = int | str | bytes | UUID | date | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry as it is hashed: the person instead of the account, which must not change hands."""

    entry_no: int
    person_id: UUID
    account_seq: int
    kind: str
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
        return canon(
            self.entry_no,
            self.person_id,
            self.account_seq,
            self.kind,
            self.source_id,
            self.source_no,
            self.amount_cents,
            self.balance_cents,
            self.business_date,
            self.occurred_on,
            self.occurred_at,
            self.posted_at,
            self.event_id,
        )


def canon(*values: Value) -> bytes:
    """Bytes in which no two lists of values look alike: each value carries its length."""
    out = bytearray()
    for value in values:
        if value is None:
            out.append(0)
            continue
        data = _bytes(value)
        out.append(1)
        out += len(data).to_bytes(4)
        out += data
    return bytes(out)


def block_hash(
    key: bytes, before: bytes, block_no: int, posted_at: datetime, lines: Iterable[Line]
) -> bytes:
    """The keyed hash of a block and of all before it. `lines` are its entries in order."""
    digest, numbers = hashlib.sha256(), []
    for line in lines:
        digest.update(line.canon())
        numbers.append(line.entry_no)
    assert numbers, "a block has entries"
    text = canon(before, block_no, numbers[0], numbers[-1], posted_at, digest.digest())
    return hmac.new(key, text, hashlib.sha256).digest()


def day_seal(key: bytes, *fields: Value) -> bytes:
    """The keyed digest of a closed day: business_date, starts_at, ends_at, close_entry_no, last
    hash, and the day's fees, rewards and adjustments in signed cents, in this order."""
    return hmac.new(key, canon(*fields), hashlib.sha256).digest()


def _bytes(value: Value) -> bytes:
    match value:
        case bytes():
            return value
        case UUID():
            return value.bytes
        case datetime():  # before date, whose child it is
            return str((value - EPOCH) // MICROSECOND).encode()
        case date():
            return value.isoformat().encode()
        case _:
            return str(value).encode()
