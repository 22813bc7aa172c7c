"""What the books must say, by plain arithmetic: nothing of accounting's own code is asked here."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

ONE = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def price(master: bytes, task: UUID) -> tuple[int, int]:
    """Fee and reward of a task in cents, as the text says it (chapter 4)."""
    key = hmac.new(master, b"price", hashlib.sha256).digest()
    drawn = hmac.new(key, b"ates/price/v1|" + task.bytes, hashlib.sha256).digest()
    fee = 10 + int.from_bytes(drawn[:8], "big") % 11
    reward = 20 + int.from_bytes(drawn[8:16], "big") % 21
    return 100 * fee, 100 * reward


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant whose local date is `day` or later, searched for to the microsecond."""
    low = datetime.combine(day, time(), UTC) - 2 * ONE
    high = low + 4 * ONE
    while high - low > MICROSECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return high


def natural(days: Sequence[Any], moment: datetime) -> date:
    """The day whose borders contain a moment; what is older than the books is in their first."""
    found: date = days[0].business_date
    for day in days:
        if day.starts_at <= moment:
            found = day.business_date
    return found


def as_of(entries: Iterable[Any], day: date, *, paid: bool = True) -> dict[UUID, int]:
    """Balances as of a day, `paid` with its own payouts, else before them."""
    sums: dict[UUID, int] = defaultdict(int)
    for entry in entries:
        own = entry.kind == "payout" and entry.business_date == day
        if entry.business_date <= day and (paid or not own):
            sums[entry.person_id] += entry.amount_cents
    return sums


def income(entries: Iterable[Any], first: date, last: date) -> int:
    """Fees charged minus rewards paid, from the first day to the last (R16)."""
    found = 0
    for entry in entries:
        if entry.kind in ("fee", "reward") and first <= entry.business_date <= last:
            found -= entry.amount_cents
    return found


def top(entries: Iterable[Any], first: date, last: date) -> tuple[int, UUID, int] | None:
    """Highest reward of the tasks completed from the first day to the last, the first task that
    brought it, and how many did."""
    done = [e for e in entries if e.kind == "reward" and first <= e.occurred_on <= last]
    if not done:
        return None
    highest = max(entry.amount_cents for entry in done)
    tied = [entry for entry in done if entry.amount_cents == highest]
    one = min(tied, key=lambda entry: (entry.occurred_at, entry.source_id))
    return highest, one.source_id, len(tied)
