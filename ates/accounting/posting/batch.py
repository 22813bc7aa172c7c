"""Entries and blocks of one batch, made in memory in the order of the facts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from ates.accounting.chain import Line, block_hash, told
from ates.accounting.days import Calendar
from ates.accounting.ledger import Ledger
from ates.accounting.posting.facts import Fact
from ates.accounting.posting.reading import AccountState
from ates.accounting.pricing import Price

BLOCK = 500


@dataclass
class Batch:
    """What one flush adds to the books. Nothing of it is written yet."""

    ledger: Ledger
    calendar: Calendar
    accounts: dict[int, AccountState]  # all that are known, by the number of the person's id
    prices: Mapping[int, Price]  # by that of the task's
    now: datetime
    lines: list[Line] = field(default_factory=list)  # the entries, in order
    touched: dict[int, AccountState] = field(default_factory=dict)  # by their own number

    def post(self, facts: Iterable[Fact]) -> None:
        """Make the entries of facts, in this order. Written out, since each event has one."""
        ledger, calendar, now, touched = self.ledger, self.calendar, self.now, self.touched
        natural_of, open_days, find = calendar.natural, calendar.open, self.accounts.get
        number, add, amount_of = ledger.last_entry_no, self.lines.append, self._amount
        for fact in facts:
            person = fact.person_id
            account = find(person.int) or self._open(person)
            touched[account.id] = account
            amount = amount_of(fact)
            account.balance_cents = balance = account.balance_cents + amount
            account.last_seq = seq = account.last_seq + 1
            number += 1
            happened, cause, settled = fact.occurred_at or now, fact.cause, fact.settles
            natural = settled or natural_of(happened)
            day = settled or max(natural, open_days[0])
            add(
                (
                    number, account.id, seq, fact.kind, fact.source_id, fact.source_no,
                    amount, balance, day, natural, happened, now, cause.id if cause else None,
                    person,
                )
            )  # fmt: skip
        ledger.last_entry_no = number

    def blocks(self, key: bytes, key_id: int) -> Iterator[tuple[dict[str, Any], list[Line]]]:
        """Close the batch: rows of `block`, each with its entries."""
        for start in range(0, len(self.lines), BLOCK):
            lines = self.lines[start : start + BLOCK]
            ledger, ends = self.ledger, (lines[0][0], lines[-1][0])
            ledger.last_block_no += 1
            ledger.last_hash = block_hash(
                key, ledger.last_hash, ledger.last_block_no, self.now, ends, told(lines)
            )
            row = {
                "block_no": ledger.last_block_no,
                "first_entry_no": ends[0],
                "last_entry_no": ends[1],
                "posted_at": self.now,
                "key_id": key_id,
                "hash": ledger.last_hash,
            }
            yield row, lines

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
