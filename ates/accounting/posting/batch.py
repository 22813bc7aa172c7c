"""Entries and blocks of one batch, made in memory in the order of the facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ates.accounting.chain import block_hash
from ates.accounting.days import Calendar
from ates.accounting.ledger import Ledger
from ates.accounting.posting.entry import NewEntry
from ates.accounting.posting.facts import Fact
from ates.accounting.posting.reading import AccountState
from ates.accounting.pricing import Price

BLOCK = 500


@dataclass
class Batch:
    """What one flush adds to the books. Nothing of it is written yet."""

    ledger: Ledger
    calendar: Calendar
    accounts: dict[int, AccountState]  # by the number of the person's id
    prices: Mapping[int, Price]  # by that of the task's
    now: datetime
    entries: list[NewEntry] = field(default_factory=list)

    def post(self, fact: Fact) -> None:
        """Make the entry of a fact."""
        ledger, now, person = self.ledger, self.now, fact.person_id
        account = self.accounts.get(person.int) or self._open(person)
        amount = self._amount(fact)
        account.balance_cents += amount
        account.last_seq += 1
        ledger.last_entry_no += 1
        occurred_at = fact.occurred_at or now
        natural = fact.settles or self.calendar.natural(occurred_at)
        entry = NewEntry(
            entry_no=ledger.last_entry_no,
            account_id=account.id,
            person_id=person,
            account_seq=account.last_seq,
            kind=fact.kind,
            source_id=fact.source_id,
            source_no=fact.source_no,
            amount_cents=amount,
            balance_cents=account.balance_cents,
            business_date=fact.settles or max(natural, self.calendar.open[0]),
            occurred_on=natural,
            occurred_at=occurred_at,
            posted_at=now,
            event_id=fact.cause.id if fact.cause else None,
        )
        self.entries.append(entry)

    def blocks(self, key: bytes, key_id: int) -> Iterator[tuple[dict[str, Any], list[NewEntry]]]:
        """Close the batch: rows of `block`, each with its entries."""
        for start in range(0, len(self.entries), BLOCK):
            entries = self.entries[start : start + BLOCK]
            ledger = self.ledger
            ledger.last_block_no += 1
            ledger.last_hash = block_hash(
                key, ledger.last_hash, ledger.last_block_no, self.now, entries
            )
            row = {
                "block_no": ledger.last_block_no,
                "first_entry_no": entries[0].entry_no,
                "last_entry_no": entries[-1].entry_no,
                "posted_at": self.now,
                "key_id": key_id,
                "hash": ledger.last_hash,
            }
            yield row, entries

    def _open(self, person: UUID) -> AccountState:
        self.ledger.last_account_id += 1
        account = AccountState(self.ledger.last_account_id, person, 0, 0, self.now)
        self.accounts[person.int] = account
        return account

    def _amount(self, fact: Fact) -> int:
        if fact.amount_cents is not None:
            return fact.amount_cents
        price = self.prices[fact.source_id.int]
        return -price.fee_cents if fact.kind == "fee" else price.reward_cents
