"""The hash chain over the blocks of the ledger, and the seals of closed days (books.md, 13)."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ates.contracts.accounting import Kind

BEFORE_ALL = bytes(32)  # the hash before the first block
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_SECONDS = 86_400
KEPT = 16_384  # values whose bytes are kept

Value = int | str | bytes | UUID | date | datetime | None


# An entry as it is hashed: all columns of its row in the table's order, and the person besides: the
# account must not change hands. (Its number itself is left out.)
Line = tuple[
    int, int, int, Kind, UUID, int, int, int, date, date, datetime, datetime, UUID | None, UUID
]


def told(lines: Iterable[Line]) -> bytes:
    """`canon` of entry_no, person_id, account_seq, kind, source_id, source_no, amount_cents,
    balance_cents, business_date, occurred_on, occurred_at, posted_at and event_id of each line, one
    line after the other.

    Written out, since each event has an entry: what comes again and again is made once.
    """
    pieces, days, kinds, sizes, epoch = PIECES, DAYS, KINDS, SIZES, EPOCH
    out: list[bytes] = []
    for (
        number, _, account_seq, kind, source_id, source_no, amount_cents, balance_cents,
        business_date, occurred_on, occurred_at, posted_at, event_id, person_id,
    ) in lines:  # fmt: skip
        entry_no, since = b"%d" % number, occurred_at - epoch
        moment = b"%d" % (
            (since.days * DAY_SECONDS + since.seconds) * 1_000_000 + since.microseconds
        )
        out += (
            sizes[len(entry_no)], entry_no,
            ID, person_id.int.to_bytes(16),
            pieces[account_seq],
            kinds[kind], source_id.int.to_bytes(16),
            pieces[source_no],
            pieces[amount_cents],
            pieces[balance_cents],
            days[business_date, occurred_on],
            sizes[len(moment)], moment,
            pieces[posted_at],
            NOTHING if event_id is None else ID + event_id.int.to_bytes(16),
        )  # fmt: skip
    return b"".join(out)


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
    key: bytes,
    before: bytes,
    block_no: int,
    posted_at: datetime,
    ends: tuple[int, int],
    entries: bytes,
) -> bytes:
    """The keyed hash of a block and of all before it. `ends` are the numbers of its first and its
    last entry, `entries` what `told` says of them all."""
    assert entries, "a block has entries"
    digest = hashlib.sha256(entries).digest()
    return hmac.digest(key, canon(before, block_no, *ends, posted_at, digest), "sha256")


def day_seal(key: bytes, *fields: Value) -> bytes:
    """The keyed digest of a closed day: business_date, starts_at, ends_at, close_entry_no, last
    hash, and the day's fees, rewards and adjustments in signed cents, in this order."""
    return hmac.digest(key, canon(*fields), "sha256")


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


class _Pieces(dict[Any, bytes]):
    """The canonical bytes of values that come again and again."""

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        self.make = make

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= KEPT:
            self.clear()
        made = self[value] = self.make(value)
        return made


PIECES = _Pieces(canon)
DAYS = _Pieces(lambda days: canon(*days))  # two of them
KINDS = _Pieces(lambda kind: canon(kind) + ID)  # and what comes before the id behind it
