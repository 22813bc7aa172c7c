"""Entries by the million: their canonical bytes from pieces that are made once (chain.canon)."""

from dataclasses import dataclass
from functools import cache

from ates.accounting.chain import Value, canon

LENGTHS = [b"\x01" + length.to_bytes(4) for length in range(40)]


@dataclass(slots=True)
class Ready:
    """An entry as `chain.block_hash` takes it: its number and its bytes."""

    entry_no: int
    told: bytes

    def canon(self) -> bytes:
        return self.told


def number(value: int) -> bytes:
    """The canonical bytes of a whole number."""
    text = b"%d" % value
    return LENGTHS[len(text)] + text


def identity(key: bytes) -> bytes:
    """The canonical bytes of a UUID."""
    return LENGTHS[16] + key


@cache
def piece(value: Value) -> bytes:
    """The canonical bytes of a value that comes again and again."""
    return canon(value)
