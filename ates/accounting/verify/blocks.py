"""Every entry of a range of blocks: numbers, hash, balances, prices and the day it counts in."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.chain import BEFORE_ALL, Line, block_hash
from ates.accounting.days import Borders, Calendar
from ates.accounting.keyring import Books
from ates.accounting.models import Account, Block, BusinessDay, Entry, Head, TaskPrice
from ates.accounting.pricing import price_of
from ates.accounting.verify.difference import Difference, at
from ates.kernel.errors import Hopeless

AT_ONCE = 50  # blocks


@dataclass
class Inspection:
    """Walks over blocks in order. Compares with what came before it, never with `id - 1`."""

    session: Session
    books: Books
    block_no: int = 0  # the last one inspected
    entry_no: int = 0
    before: bytes = BEFORE_ALL
    entries: int = 0  # inspected
    running: dict[int, tuple[int, int]] = field(default_factory=dict)  # account: seq, balance
    days: dict[date, Any] = field(default_factory=dict)
    closes: list[int] = field(default_factory=list)
    calendar: Calendar = field(default_factory=lambda: Calendar([], []))

    @classmethod
    def after(cls, session: Session, books: Books, block_no: int) -> "Inspection":
        """Begin behind a block that was inspected before; 0 begins at the beginning."""
        made = cls(session, books)
        block = session.execute(
            select(Block.__table__).where(Block.block_no == block_no)
        ).one_or_none()
        if block is not None:
            made.block_no, made.entry_no = block.block_no, block.last_entry_no
            made.before = block.hash
        rows = session.execute(
            select(BusinessDay.__table__).order_by(BusinessDay.business_date)
        ).all()
        made.days = {row.business_date: row for row in rows}
        made.closes = [row.close_entry_no for row in rows if row.state != "open"]
        made.calendar = Calendar(
            [Borders(row.business_date, row.starts_at, row.ends_at) for row in rows], []
        )
        return made

    def run(self) -> Iterator[Difference]:
        """All differences from here to the end of the ledger."""
        while blocks := self._next_blocks():
            entries = self._entries(blocks[0].first_entry_no, blocks[-1].last_entry_no)
            prices = self._prices(entries)
            for block in blocks:
                low, high = block.first_entry_no, block.last_entry_no
                yield from self._block(
                    block, [entry for entry in entries if low <= entry.entry_no <= high]
                )
            for entry in entries:
                yield from self._entry(entry, prices)
        head = self.session.execute(select(Head.last_block_no, Head.last_entry_no)).one()
        if (self.block_no, self.entry_no) != tuple(head):
            yield Difference(
                f"the chain ends with block {self.block_no} and entry {self.entry_no},"
                f" the head says {head.last_block_no} and {head.last_entry_no}"
            )

    # --- blocks ---------------------------------------------------------------------------------

    def _next_blocks(self) -> Sequence[Any]:
        return self.session.execute(
            select(Block.__table__)
            .where(Block.block_no > self.block_no)
            .order_by(Block.block_no)
            .limit(AT_ONCE)
        ).all()

    def _entries(self, first: int, last: int) -> Sequence[Any]:
        return self.session.execute(
            select(Entry.__table__, Account.person_id)
            .join(Account, Account.id == Entry.account_id)
            .where(Entry.entry_no.between(first, last))
            .order_by(Entry.entry_no)
        ).all()

    def _block(self, block: Any, entries: Sequence[Any]) -> Iterator[Difference]:
        first, last = block.first_entry_no, block.last_entry_no
        if block.block_no != self.block_no + 1 or first != self.entry_no + 1:
            yield Difference(
                f"block {block.block_no} does not follow block {self.block_no}", first, last
            )
        if [entry.entry_no for entry in entries] != list(range(first, last + 1)):
            yield Difference(f"block {block.block_no} has a gap", first, last)
        elif self._hash(block, entries) != block.hash:
            yield Difference(f"block {block.block_no} does not match its hash", first, last)
        if any(entry.posted_at != block.posted_at for entry in entries):
            yield Difference(f"block {block.block_no} has entries of another moment", first, last)
        self.block_no, self.entry_no, self.before = block.block_no, last, block.hash
        self.entries += len(entries)

    def _hash(self, block: Any, entries: Sequence[Any]) -> bytes | None:
        try:
            key = self.books.keyring.sub_key(block.key_id, "chain")
        except Hopeless:
            return None
        lines = (
            Line(**{name: getattr(entry, name) for name in Line.__struct_fields__})
            for entry in entries
        )
        return block_hash(key, self.before, block.block_no, block.posted_at, lines)

    # --- entries --------------------------------------------------------------------------------

    def _entry(self, entry: Any, prices: dict[Any, Any]) -> Iterator[Difference]:
        seq, balance = self._running(entry)
        if entry.account_seq != seq + 1:
            yield at(entry.entry_no, f"number {entry.account_seq} of its account follows {seq}")
        if entry.balance_cents != balance + entry.amount_cents:
            yield Difference(
                "the balance after it is not the one before plus its amount",
                entry.entry_no,
                entry.entry_no,
                entry.balance_cents - balance - entry.amount_cents,
            )
        self.running[entry.account_id] = entry.account_seq, entry.balance_cents
        if entry.kind in ("fee", "reward"):
            yield from self._price(entry, prices.get(entry.source_id))
        if entry.kind == "payout":
            yield from self._payout(entry)
        else:
            yield from self._day(entry)

    def _running(self, entry: Any) -> tuple[int, int]:
        """Number and balance of the account before; looked up where this inspection begins."""
        if entry.account_id not in self.running and entry.account_seq > 1:
            found = self.session.execute(
                select(Entry.account_seq, Entry.balance_cents)
                .where(Entry.account_id == entry.account_id, Entry.entry_no < entry.entry_no)
                .order_by(Entry.account_seq.desc())
                .limit(1)
            ).one_or_none()
            return (found.account_seq, found.balance_cents) if found is not None else (0, 0)
        return self.running.get(entry.account_id, (0, 0))

    def _price(self, entry: Any, price: Any) -> Iterator[Difference]:
        if price is None:
            yield at(entry.entry_no, "its task has no price")
            return
        amount = -price.fee_cents if entry.kind == "fee" else price.reward_cents
        if entry.amount_cents != amount:
            yield Difference(
                f"the {entry.kind} is not the price of its task",
                entry.entry_no,
                entry.entry_no,
                entry.amount_cents - amount,
            )
        if not drawn_by_key(self.books, price):
            yield at(entry.entry_no, f"the price of task {entry.source_id} is not the one drawn")

    def _payout(self, entry: Any) -> Iterator[Difference]:
        day, number = entry.business_date, int(f"{entry.business_date:%Y%m%d}")
        if (entry.source_id, entry.source_no, entry.occurred_on) != (entry.person_id, number, day):
            yield at(entry.entry_no, f"a payout of {day} with the key of another")
        closed = self.days[day].close_entry_no if day in self.days else None
        if closed is None or entry.entry_no <= closed:
            yield at(entry.entry_no, f"a payout of {day} before its close")

    def _day(self, entry: Any) -> Iterator[Difference]:
        """C3 to C5: the day it happened, or the first open one if that was closed by then."""
        natural = self.calendar.natural(entry.occurred_at) if self.days else None
        if entry.occurred_on != natural:
            yield at(entry.entry_no, f"it happened on {natural}, not on {entry.occurred_on}")
            return
        natural = max(natural, self._first_open(entry))
        if entry.business_date != natural:
            yield at(entry.entry_no, f"it counts in {entry.business_date}, due is {natural}")

    def _first_open(self, entry: Any) -> date:
        """The first day that was open when the entry was posted; days are closed in order."""
        closed = bisect_left(self.closes, entry.entry_no)
        return self.calendar.days[min(closed, len(self.days) - 1)].business_date

    def _prices(self, entries: Sequence[Any]) -> dict[Any, Any]:
        tasks = {entry.source_id for entry in entries if entry.kind in ("fee", "reward")}
        rows = self.session.execute(
            select(TaskPrice.__table__)
            .join(Entry, Entry.source_id == TaskPrice.task_id)
            .where(
                Entry.entry_no.between(entries[0].entry_no, entries[-1].entry_no)
                if entries
                else TaskPrice.task_id.in_(tasks)
            )
            .distinct()
        )
        return {row.task_id: row for row in rows}


def drawn_by_key(books: Books, price: Any) -> bool:
    """Whether a price row is what its key draws for its task."""
    try:
        key = books.keyring.sub_key(price.key_id, "price")
    except Hopeless:
        return False
    drawn = price_of(price.task_id, key)
    return (drawn.fee_cents, drawn.reward_cents) == (price.fee_cents, price.reward_cents)
