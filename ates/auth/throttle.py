"""How often a sign-in may fail: five a minute per account, twenty per address, no lock-out (S4)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil

from ates.auth import details

MINUTE = 60_000  # milliseconds
MEMORY = timedelta(hours=1)  # without a try, everything is forgotten


@dataclass(frozen=True)
class Rule:
    """So many failures in any minute; a growing rule also spaces out those that go on."""

    per_minute: int
    growing: bool = False


ACCOUNT = Rule(5, growing=True)
ADDRESS = Rule(20)


@dataclass(frozen=True)
class Tries:
    """The failures of one account or address: how many in a row, and when in the last minute."""

    failures: int = 0
    recent: tuple[int, ...] = ()

    @classmethod
    def read(cls, failures: int, recent: str) -> "Tries":
        return cls(failures, tuple(int(each) for each in recent.split()))

    @property
    def written(self) -> str:
        return " ".join(str(each) for each in self.recent)

    def wait(self, rule: Rule, at: datetime) -> int:
        """Whole seconds until the next try may be made; 0: now. Never more than a minute."""
        now = _milliseconds(at)
        recent = _last_minute(self.recent, now)
        free = now
        if len(recent) >= rule.per_minute:
            free = recent[-rule.per_minute] + MINUTE
        if rule.growing and recent and self.failures >= rule.per_minute:
            free = max(free, recent[-1] + _pause(self.failures - rule.per_minute))
        return max(0, ceil((free - now) / 1000))

    def failed(self, at: datetime) -> "Tries":
        """One more. Counted before the password is looked at, so that none slips through."""
        now = _milliseconds(at)
        return Tries(self.failures + 1, (*_last_minute(self.recent, now), now))

    def given_back(self) -> "Tries":
        """The last one did not count after all."""
        return Tries(max(0, self.failures - 1), self.recent[:-1])


def account_key(email: str) -> str:
    """The same for known and unknown accounts, and says no e-mail by itself."""
    return _key("account", details.folded(email))


def address_key(address: str | None) -> str:
    """Of an IPv6 address the first 64 bits count: one customer has them all."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return _key("address", "unknown")
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return _key("address", str(ipaddress.ip_network((parsed, 64), strict=False)))
    return _key("address", str(parsed.ipv4_mapped if parsed.version == 6 else parsed))


def _key(kind: str, what: str) -> str:
    return f"{kind}:{sha256(what.encode(errors='replace')).hexdigest()}"


def _pause(more: int) -> int:
    """5, 10, 20, 40 seconds, then a minute for ever: nobody is locked out."""
    return min(MINUTE, 5000 << min(more, 8))


def _last_minute(recent: Sequence[int], now: int) -> tuple[int, ...]:
    """What counts still. A moment to come (another host's clock) counts as this one."""
    return tuple(min(each, now) for each in recent if now - MINUTE < each)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
