"""What a task costs and brings: drawn once, repeatable only with the key (R13)."""

from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

LABEL = b"ates/price/v1|"  # other ranges need another label: tasks keep the price they have
FEES = range(10, 21)  # dollars, both ends included
REWARDS = range(20, 41)
BLOCK = 64  # bytes of SHA-256


class Price(msgspec.Struct, frozen=True, gc=False):
    """Whole dollars, in positive cents."""

    fee_cents: int
    reward_cents: int


@lru_cache(maxsize=16)
def _begun(key: bytes) -> tuple[Any, Any]:
    """The inner and the outer digest of HMAC-SHA256 (RFC 2104) as they begin with every draw of a
    key: to copy both takes less than half of what the module does anew for each."""
    assert len(key) <= BLOCK, "a longer key would be hashed first"
    inner, outer = (bytes(each ^ pad for each in key.ljust(BLOCK, b"\0")) for pad in (0x36, 0x5C))
    return sha256(inner + LABEL), sha256(outer)


def halves_of(task: bytes, key: bytes) -> tuple[bytes, bytes]:
    """What `key` (the keyring's price key) draws for the 16 bytes of a task's id: eight bytes for
    the fee, eight for the reward. They tell nothing of the key, nor of another task."""
    begun = _begun(key)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(task)
    outer.update(inner.digest())
    drawn = outer.digest()
    return drawn[0:8], drawn[8:16]


def price_of(task_id: UUID, key: bytes) -> Price:
    """The price that `key` (the keyring's price key) draws for a task; the same at every call.

    64 bits per draw keep the bias of the remainder below 1e-18.
    """
    return Price(*cents_of(task_id.bytes, key))


def cents_of(task: bytes, key: bytes) -> tuple[int, int]:
    """The same for the 16 bytes of an id, as plain numbers: a proof draws every price again."""
    fee, reward = halves_of(task, key)
    return (
        100 * FEES[int.from_bytes(fee) % len(FEES)],
        100 * REWARDS[int.from_bytes(reward) % len(REWARDS)],
    )
