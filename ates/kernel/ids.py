"""Identity and chance: UUIDv7, secret tokens, and the randomness of the lot."""

import random
import secrets
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from ates.kernel import clock

T = TypeVar("T")

_chance: random.Random = random.SystemRandom()
_identity: random.Random = random.SystemRandom()
_lock = threading.Lock()
_last = 0


def new() -> UUID:
    """A UUIDv7 (RFC 9562): sorts by time, and within one process strictly by creation."""
    return _uuid(_stamps(1), _identity.getrandbits(62))


def several(count: int) -> list[UUID]:
    """So many, in their order; the clock and the source of chance are asked once."""
    first = _stamps(count)
    chances = struct.unpack(f"={count}Q", _identity.randbytes(8 * count))
    return [_uuid(first + place, bits >> 2) for place, bits in enumerate(chances)]


def _stamps(count: int) -> int:
    """The first of `count` stamps: 48 bits of time, then a 12-bit counter that may run over.

    Ids of one process never run backwards.
    """
    global _last
    milliseconds = int(clock.now().timestamp() * 1000)
    with _lock:
        first = max(milliseconds << 12, _last + 1)
        _last = first + count - 1
    return first


def _uuid(stamp: int, chance: int) -> UUID:
    high = (stamp >> 12) << 16 | 0x7 << 12 | (stamp & 0xFFF)
    return UUID(int=high << 64 | 0b10 << 62 | chance)


def token(size: int = 32) -> str:
    """`size` random bytes as URL-safe text, for secrets that travel."""
    return secrets.token_urlsafe(size)


def draw(among: Sequence[T]) -> T:
    """One of them, each with the same chance (R6). Raises IndexError if there is none."""
    return among[_chance.randrange(len(among))]


def draws(among: Sequence[T], times: int) -> list[T]:
    """So many draws, each among all and with the same chance: 64 random bits decide each."""
    size = len(among)
    found = struct.unpack(f"={times}Q", _chance.randbytes(8 * times))
    return [among[bits * size >> 64] for bits in found]


def between(low: float, high: float) -> float:
    """Any number from `low` to `high`: the jitter of pauses."""
    return _chance.uniform(low, high)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block the lot repeats itself for the same seed. For tests and the demo."""
    global _chance
    before, _chance = _chance, random.Random(seed)  # noqa: S311 - repeatable on purpose
    try:
        yield
    finally:
        _chance = before


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Within the block the lot and the ids repeat themselves, moment by moment. For the demo.

    Ids begin anew: the clock of the block may stand days before the ids that were made so far.
    """
    global _identity, _last
    identity, last = _identity, _last
    _identity, _last = random.Random(seed), 0  # noqa: S311 - repeatable on purpose
    try:
        with seeded(seed):
            yield
    finally:
        _identity, _last = identity, max(last, _last)
