"""What the books are told from outside: the keys that draw and seal, the zone and the grace."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from ates.kernel.errors import ConfigError, Hopeless


@dataclass(frozen=True)
class Keyring:
    """All keys the books were ever written with; the last one draws and seals from now on."""

    keys: dict[int, bytes]
    current: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1:<hex>,2:<hex>`. Raises ConfigError, which never repeats a key."""
        keys: dict[int, bytes] = {}
        for item in text.split(","):
            number, colon, digits = item.strip().partition(":")
            try:
                key_id, key = int(number), bytes.fromhex(digits)
            except ValueError:
                key_id, key = 0, b""
            if not colon or key_id < 1 or len(key) < 16 or key_id in keys:
                raise ConfigError(
                    "ATES_BOOKS_KEYS must read 1:<hex>,2:<hex> with each number once and at least"
                    " 32 hexadecimal digits a key."
                )
            keys[key_id] = key
        return cls(keys, key_id)

    def sub_key(self, key_id: int, use: Literal["price", "chain", "audit"]) -> bytes:
        """The key for one use. Raises Hopeless for a key this installation does not have."""
        if key_id not in self.keys:
            raise Hopeless(f"key {key_id} of the books is not in ATES_BOOKS_KEYS")
        return hmac.new(self.keys[key_id], use.encode(), hashlib.sha256).digest()


@dataclass(frozen=True)
class Books:
    """The settings of one set of books."""

    keyring: Keyring
    zone: ZoneInfo  # of the business day
    grace: timedelta = timedelta(seconds=120)  # longer than the longest allowed write
    domain: str = "localhost"  # behind the @ of a Message-ID
    url: str = ""  # that links in letters begin with
    anchors: Path | None = None  # the file that seals leave the house by
