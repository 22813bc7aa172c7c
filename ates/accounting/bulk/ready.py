"""Entries by the million: their canonical bytes from pieces that are made once (chain.canon)."""

from dataclasses import dataclass

from ates.accounting.chain import ID


@dataclass(slots=True)
class Ready:
    """An entry as `chain.block_hash` takes it: its number and its bytes."""

    entry_no: int
    told: bytes

    def canon(self) -> bytes:
        return self.told


def identity(key: bytes) -> bytes:
    """The canonical bytes of a UUID."""
    return ID + key
