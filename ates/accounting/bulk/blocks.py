"""Entries and blocks in the making: numbers, balances and the hash chain."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from ates.accounting.chain import BEFORE_ALL, ID, NOTHING, PIECES, block_hash, number
from ates.accounting.keyring import Books
from ates.accounting.models import Block, Entry
from ates.contracts.accounting import LEDGER, Kind
from ates.contracts.chronicle import identity, identity_text, moment, moment_text
from ates.kernel.bulk import Loader, Row

ENTRY = (
    "entry_no", "account_id", "account_seq", "kind", "source_id", "source_no", "amount_cents",
    "balance_cents", "business_date", "occurred_on", "occurred_at", "posted_at", "event_id",
)  # fmt: skip
BLOCK = ("block_no", "first_entry_no", "last_entry_no", "posted_at", "key_id", "hash")

Source = tuple[bytes, str, int]  # its id as bytes and as text, its number


@dataclass(slots=True)
class State:
    """An account as it stands."""

    id: int
    person_id: UUID
    opened_at: int
    balance_cents: int = 0
    last_seq: int = 0
    name: str = field(init=False)
    canon: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.canon = str(self.person_id), ID + self.person_id.bytes


class Place:
    """When entries of one block are posted, and the day they count in; each made ready once."""

    def __init__(self, day: date, at: int) -> None:
        self.day, self.at = day, at  # microseconds
        self.text, self.posted = day.isoformat(), moment_text(at)
        self.days, self.moment = PIECES[day] * 2, number(at)


class Chain:
    """Where the ledger ends and how much it has said, and the rows that were not loaded yet."""

    def __init__(self, books: Books) -> None:
        self.key_id = books.keyring.current
        self.key = books.keyring.sub_key(self.key_id, "chain")
        self.entry_no = self.block_no = self.said = 0
        self.hash = BEFORE_ALL
        self.entries: list[Row] = []
        self.blocks: list[Row] = []
        self._first, self._told = 1, list[bytes]()  # of the block in the making

    def post(
        self, place: Place, account: State, kind: Kind, source: Source, cents: int, at: int
    ) -> None:
        """One entry. `at` is when it happened; of a payout, when it is posted."""
        self.entry_no += 1
        account.last_seq += 1
        account.balance_cents += cents
        event, told_event = None, NOTHING
        if kind != "payout":
            digits = identity(at, self.entry_no)
            event, told_event = identity_text(digits), ID + bytes.fromhex(digits)
        key, source_id, source_no = source
        self.entries.append(
            (
                self.entry_no, account.id, account.last_seq, kind, source_id, source_no, cents,
                account.balance_cents, place.text, place.text, moment_text(at), place.posted, event,
            )
        )  # fmt: skip
        told = (
            number(self.entry_no), account.canon, number(account.last_seq), PIECES[kind],
            ID + key, number(source_no), number(cents), number(account.balance_cents),
            place.days, number(at), place.moment, told_event,
        )  # fmt: skip
        self._told += told

    def seal(self, place: Place) -> None:
        """The entries since the last time are a block, which is said."""
        self.block_no += 1
        self.said += 1
        ends, told = (self._first, self.entry_no), b"".join(self._told)
        self.hash = block_hash(self.key, self.hash, self.block_no, moment(place.at), ends, told)
        self.blocks.append((self.block_no, *ends, place.posted, self.key_id, self.hash))
        self._first, self._told = self.entry_no + 1, []

    def event(self) -> dict[str, Any]:
        """What the ledger's next event begins with."""
        self.said += 1
        return {"ledger": LEDGER, "key_version": self.said}

    def load(self, loader: Loader) -> None:
        """Write what has been posted."""
        loader.load(Entry, ENTRY, self.entries)
        loader.load(Block, BLOCK, self.blocks)
        self.entries, self.blocks = [], []
