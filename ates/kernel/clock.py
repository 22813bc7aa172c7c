"""The only reader of the clock, so that a test can own time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

_offset_file: Path | None = None
_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    if _frozen is not None:
        return _frozen
    moment = datetime.now(UTC)
    if _offset_file is not None:
        moment += timedelta(seconds=_offset())
    return moment


def monotonic() -> float:
    """Seconds for measuring how long something took; never moved by tests."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait in real time."""
    time.sleep(seconds)


def use_offset_file(path: Path | None) -> None:
    """Shift `now()` by the seconds written in `path` (ATES_TEST_CLOCK=1; refused in production).

    The file is read at every call, so that all processes of one installation move together.
    """
    global _offset_file
    _offset_file = path


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Within the block it is `moment`. For tests and for replaying a day."""
    global _frozen
    assert moment.tzinfo is not None, "a moment knows its zone"
    before, _frozen = _frozen, moment.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


def _offset() -> float:
    assert _offset_file is not None
    try:
        return float(_offset_file.read_text() or 0)
    except (FileNotFoundError, ValueError):  # being replaced right now, or not moved yet
        return 0.0
