"""The books against the seals that left the house: a cut tail, an older copy, a chain made anew."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.anchors import Anchor, of_closed_days
from ates.accounting.models import Head
from ates.accounting.verify.difference import Difference

SAID = {
    "close_entry_no": "the last entry by its close",
    "close_block_no": "the last block by its close",
    "last_hash": "the hash of that block",
    "seal": "its seal",
    "fee_cents": "its fees",
    "reward_cents": "its rewards",
    "adjustment_cents": "its corrections",
}


def against(session: Session, lines: Sequence[Anchor | str]) -> Iterator[Difference]:
    """Compare every line; a day that has none is no difference: it may be written later."""
    here = {each.day: each for each in of_closed_days(session)}
    last = session.scalar(select(Head.last_entry_no)) or 0
    for number, line in enumerate(lines, start=1):
        if isinstance(line, str):
            yield Difference(f"line {number} of the anchors cannot be read")
        elif line.day not in here:
            yield _lost(line, number, last)
        else:
            yield from _compared(line, number, here[line.day], last)


def _lost(line: Anchor, number: int, last: int) -> Difference:
    """The books know no such closed day."""
    if last < line.close_entry_no:
        return Difference(
            f"{line.day} was closed after entry {line.close_entry_no} (anchor line {number}), the"
            f" books end with {last}: their tail is cut, or this is an older copy",
            last + 1,
            line.close_entry_no,
        )
    return Difference(
        f"{line.day} was closed after entry {line.close_entry_no} (anchor line {number}), and here"
        " it is not closed"
    )


def _compared(line: Anchor, number: int, here: Anchor, last: int) -> Iterator[Difference]:
    """Each figure of a line beside the one of the books."""
    for name, words in SAID.items():
        there, mine = getattr(line, name), getattr(here, name)
        if there != mine:
            yield Difference(
                f"{line.day} (anchor line {number}) says {there} for {words}, here it is {mine}",
                cents=mine - there if name.endswith("_cents") else 0,
            )
    if last < line.close_entry_no:
        yield _lost(line, number, last)
