"""Moments, days and ids as numbers and as the texts that both databases read."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
MIXED = 0x9E3779B97F4A7C15  # odd, so that different numbers stay different
REST = (1 << 62) - 1


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def moment(at: int) -> datetime:
    return EPOCH + at * MICROSECOND


def moment_text(at: int) -> str:
    """As SQLite keeps a moment (kernel.types.sortable)."""
    minute, rest = divmod(at, MINUTE)
    return f"{_minute_text(minute)}{rest // SECOND:02d}.{rest % SECOND:06d}+00:00"


def identity(at: int, number: int) -> str:
    """A UUIDv7 of a moment that the same number always has, as its 32 digits."""
    return f"{at // 1000:012x}7{at % 1000:03x}{1 << 63 | number * MIXED & REST:016x}"


def identity_text(digits: str) -> str:
    """As SQLite keeps a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@lru_cache(maxsize=1 << 16)
def _minute_text(minute: int) -> str:
    return f"{EPOCH + timedelta(minutes=minute):%Y-%m-%dT%H:%M:}"
