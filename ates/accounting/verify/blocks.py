"""A range of blocks, one after the other: numbers, hashes, and every entry in them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.chain import BEFORE_ALL, block_hash
from ates.accounting.keyring import Books
from ates.accounting.models import Block, Head
from ates.accounting.verify import columns
from ates.accounting.verify.columns import Page, Pieces
from ates.accounting.verify.difference import Difference
from ates.accounting.verify.entries import Days, Rules
from ates.kernel.errors import Hopeless

Progress = Callable[[int, int], None]  # entries inspected so far, entries to inspect

AT_ONCE = 20  # blocks
MOST = AT_ONCE * 500 + 1  # entries in them, and one that is too many


@dataclass
class Inspection:
    """Walks over blocks in order. Compares with what came before it, never with `id - 1`."""

    session: Session
    books: Books
    rules: Rules
    block_no: int = 0  # the last one inspected
    entry_no: int = 0
    before: bytes = BEFORE_ALL
    entries: int = 0  # inspected
    people: dict[int, str] = field(default_factory=dict)  # by account, of those met so far
    _pieces: Pieces = field(default_factory=Pieces)
    _keys: dict[int, bytes | None] = field(default_factory=dict)

    @classmethod
    def after(
        cls, session: Session, books: Books, block_no: int, *, all_drawn: bool = False
    ) -> "Inspection":
        """Begin behind a block that was inspected before; 0 begins at the beginning."""
        made = cls(session, books, Rules(session, books, Days.read(session), all_drawn))
        block = session.execute(
            select(Block.__table__).where(Block.block_no == block_no)
        ).one_or_none()
        if block is not None:
            made.block_no, made.entry_no = block.block_no, block.last_entry_no
            made.before = block.hash
        return made

    def run(
        self, until: int | None = None, progress: Progress = lambda *_: None
    ) -> Iterator[Difference]:
        """All differences from here to the end of the ledger, or to the block `until`."""
        ahead = self._ahead()
        while blocks := self._next_blocks(until):
            page = columns.entries(
                self.session,
                blocks[0].first_entry_no,
                max(block.last_entry_no for block in blocks),
                MOST,
            )
            unmet = set(page.account_id) - self.people.keys()
            self.people.update(columns.people(self.session, unmet))
            told = page.told(self.people, self._pieces)
            for block in blocks:
                yield from self._block(block, page, told)
            if page:
                yield from self.rules.check(page, self.people)
            progress(self.entries, ahead)
        yield from self._end(until)

    def _ahead(self) -> int:
        """How many entries there are to inspect."""
        last = self.session.scalar(select(func.max(Block.last_entry_no)))
        return max(0, (last or 0) - self.entry_no)

    def _next_blocks(self, until: int | None) -> Sequence[Any]:
        question = (
            select(Block.__table__).where(Block.block_no > self.block_no).order_by(Block.block_no)
        )
        if until is not None:
            question = question.where(Block.block_no <= until)
        return self.session.execute(question.limit(AT_ONCE)).all()

    def _block(self, block: Any, page: Page, told: Sequence[bytes]) -> Iterator[Difference]:
        first, last = block.first_entry_no, block.last_entry_no
        if block.block_no != self.block_no + 1 or first != self.entry_no + 1:
            yield Difference(
                f"block {block.block_no} does not follow block {self.block_no}", first, last
            )
        low, high = bisect_left(page.entry_no, first), bisect_right(page.entry_no, last)
        if high - low != last - first + 1:
            yield Difference(f"block {block.block_no} has a gap", first, last)
        elif self._hash(block, told[low:high]) != block.hash:
            yield Difference(f"block {block.block_no} does not match its hash", first, last)
        moment = columns.micros(block.posted_at.isoformat())
        if set(page.posted_at[low:high]) - {moment}:
            yield Difference(f"block {block.block_no} has entries of another moment", first, last)
        self.block_no, self.entry_no, self.before = block.block_no, last, block.hash
        self.entries += high - low

    def _hash(self, block: Any, told: Sequence[bytes]) -> bytes | None:
        """The block's hash once more; None without its key."""
        key, ends = self._key(block.key_id), (block.first_entry_no, block.last_entry_no)
        if key is None:
            return None
        entries = b"".join(told)
        return block_hash(key, self.before, block.block_no, block.posted_at, ends, entries)

    def _key(self, key_id: int) -> bytes | None:
        if key_id not in self._keys:
            try:
                self._keys[key_id] = self.books.keyring.sub_key(key_id, "chain")
            except Hopeless:
                self._keys[key_id] = None
        return self._keys[key_id]

    def _end(self, until: int | None) -> Iterator[Difference]:
        """Whether the last block that was there is the one that should be the last."""
        if until is not None:
            if self.block_no != until:
                yield Difference(f"the chain ends with block {self.block_no} instead of {until}")
            return
        head = self.session.execute(select(Head.last_block_no, Head.last_entry_no)).one()
        if (self.block_no, self.entry_no) != tuple(head):
            yield Difference(
                f"the chain ends with block {self.block_no} and entry {self.entry_no},"
                f" the head says {head.last_block_no} and {head.last_entry_no}"
            )
