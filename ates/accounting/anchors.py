"""Seals outside of the house: a file with one line for each closed day (books.md, 13).

A ledger whose tail was cut, or an older copy of it, has an unbroken chain: only what was written
down elsewhere can tell. The file is appended to and never read back into the books.
"""

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy import and_, case, select
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.chain import BEFORE_ALL
from ates.accounting.models import Block, BusinessDay, DayTotal

FORMAT = 1
KINDS = ("fee", "reward", "adjustment")


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What one line says of a closed day; each name explains itself to who reads it in ten years.

    `last_hash` is the hash of the last block by the close, `fee_cents` and the others are the
    day's sums, signed as in the ledger.
    """

    ates_anchor: int
    day: date
    close_entry_no: int
    close_block_no: int
    last_hash: str
    seal: str
    fee_cents: int
    reward_cents: int
    adjustment_cents: int

    def line(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


def read(path: Path) -> list[Anchor | str]:
    """All lines, in order; a line that is none comes as its text. Raises OSError."""
    return [_anchor(line) for line in path.read_bytes().splitlines()]


def write_missing(session: Session, path: Path) -> list[date]:
    """Append a line for each closed day that has none; gives these days.

    A line is there whole or not at all, on the disk when this returns, and once, also if two runs
    come at the same moment. Raises OSError.
    """
    with _alone(path) as file:
        there = {each.day for each in _whole(file) if isinstance(each, Anchor)}
        missing = [each for each in of_closed_days(session) if each.day not in there]
        if missing:
            file.write(b"".join(each.line() for each in missing))
            file.flush()
            os.fsync(file.fileno())
    return [each.day for each in missing]


def of_closed_days(session: Session, days: Collection[date] | None = None) -> list[Anchor]:
    """What the books say now of all closed days, or of these, in order."""
    sums = [
        total(case((DayTotal.kind == kind, DayTotal.amount_cents), else_=0)).label(kind)
        for kind in KINDS
    ]
    question = (
        select(
            BusinessDay.business_date,
            BusinessDay.close_entry_no,
            BusinessDay.close_block_no,
            BusinessDay.seal,
            Block.hash,
            *sums,
        )
        .outerjoin(Block, Block.block_no == BusinessDay.close_block_no)
        .outerjoin(
            DayTotal,
            and_(DayTotal.business_date == BusinessDay.business_date, DayTotal.kind.in_(KINDS)),
        )
        .where(BusinessDay.state != "open")
        .group_by(BusinessDay.business_date, Block.block_no)
        .order_by(BusinessDay.business_date)
    )
    if days is not None:
        question = question.where(BusinessDay.business_date.in_(days))
    return [_of_row(row) for row in session.execute(question)]


def _of_row(row: Any) -> Anchor:
    last = BEFORE_ALL if row.close_block_no == 0 else row.hash or b""
    return Anchor(
        ates_anchor=FORMAT,
        day=row.business_date,
        close_entry_no=row.close_entry_no,
        close_block_no=row.close_block_no,
        last_hash=last.hex(),
        seal=row.seal.hex(),
        fee_cents=row.fee,
        reward_cents=row.reward,
        adjustment_cents=row.adjustment,
    )


def _anchor(line: bytes) -> Anchor | str:
    try:
        return msgspec.json.decode(line, type=Anchor)
    except msgspec.MsgspecError:
        return line.decode(errors="replace")


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """The file, and nobody else at it; made if it is not there."""
    made = not path.exists()
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    if made:  # the name of a new file is on the disk only when its folder is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _whole(file: IO[bytes]) -> Iterable[Anchor | str]:
    """The lines that ended; what a power cut left of one is taken away."""
    file.seek(0)
    text = file.read()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        file.truncate(whole)
    return [_anchor(line) for line in text[:whole].splitlines()]
