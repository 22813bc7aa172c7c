"""What a task costs and brings: drawn once, repeatable only with the key (R13)."""

import hmac
from functools import lru_cache
from uuid import UUID

import msgspec

LABEL = b"ates/price/v1|"  # other ranges need another label: tasks keep the price they have
FEES = range(10, 21)  # dollars, both ends included
REWARDS = range(20, 41)


class Price(msgspec.Struct, frozen=True, gc=False):
    """Whole dollars, in positive cents."""

    fee_cents: int
    reward_cents: int


@lru_cache(maxsize=16)
def _begun(key: bytes) -> hmac.HMAC:
    """What every draw of a key begins with; a copy of it takes less than to begin anew."""
    return hmac.new(key, LABEL, "sha256")


def halves_of(task: bytes, key: bytes) -> tuple[bytes, bytes]:
    """What `key` (the keyring's price key) draws for the 16 bytes of a task's id: eight bytes for
    the fee, eight for the reward. They tell nothing of the key, nor of another task."""
    draw = _begun(key).copy()
    draw.update(task)
    drawn = draw.digest()
    return drawn[0:8], drawn[8:16]


def price_of(task_id: UUID, key: bytes) -> Price:
    """The price that `key` (the keyring's price key) draws for a task; the same at every call.

    64 bits per draw keep the bias of the remainder below 1e-18.
    """
    return Price(*cents_of(task_id.bytes, key))


def cents_of(task: bytes, key: bytes) -> tuple[int, int]:
    """The same for the 16 bytes of an id, as plain numbers: a proof draws every price again."""
    fee, reward = map(int.from_bytes, halves_of(task, key))
    return 100 * FEES[fee % len(FEES)], 100 * REWARDS[reward % len(REWARDS)]
