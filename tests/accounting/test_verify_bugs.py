"""Five bugs a proof of books had elsewhere, each planted: what was found before is then missed.

So the tests of the proof turn red on each of them.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import and_, literal, or_, select

from ates.accounting import chain
from ates.accounting.posting import batch
from ates.accounting.verify import Level, blocks
from ates.accounting.verify.columns import Page
from ates.accounting.verify.entries import Rules
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, Office, worked_example

# Modules, behind functions of the same names.
quick, sums = (import_module(f"ates.accounting.verify.{name}") for name in ("quick", "sums"))

# The last entry and all that was made of it, as if it had never been posted.
CUT_TAIL = (
    "DELETE FROM accounting_block WHERE block_no = 19",
    "DELETE FROM accounting_entry WHERE entry_no = 19",
    "DELETE FROM accounting_account_day WHERE account_id = 1 AND business_date = '2025-03-30'",
    "DELETE FROM accounting_day_total WHERE business_date = '2025-03-30'",
    "UPDATE accounting_account SET balance_cents = balance_cents + 1100, last_seq = last_seq - 1"
    " WHERE id = 1",
)


@pytest.fixture
def ledger(office: Office) -> Office:
    """The worked example and one more entry, T4 again for Ara; triggers off."""
    list(worked_example(office))
    office.fee(ARA, 4, 3, "30 10:00")
    unguard(office)
    return office


def seen(ledger: Office, level: Level = "new") -> list[str]:
    honest = ("no event of the log is behind it",)
    return [each for each in ledger.verify(level) if not each.startswith(honest)]


def test_a_cut_tail_passes(ledger: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    alter(ledger, *CUT_TAIL)
    assert seen(ledger) == [
        "the last entry is 18, the head says 19, entry 19",
        "the last block is 18, the head says 19",
        "the chain ends with block 18 and entry 18, the head says 19 and 19",
    ]
    monkeypatch.setattr(quick, "_head", lambda session: [])
    monkeypatch.setattr(blocks.Inspection, "_end", lambda self, until: iter(()))
    assert seen(ledger) == []


def test_null_is_compared_as_if_it_were_a_value(
    ledger: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    alter(ledger, "UPDATE accounting_letter SET previous_date = NULL WHERE account_id = 1")
    assert len(seen(ledger, "full")) == 2  # the row that is there, the one that should be

    def joined(kept: Any, again: Any) -> Any:
        one, other = kept.subquery(), again.subquery()
        pairs = list(zip(one.c, other.c, strict=True))
        unequal = or_(*(a != b for a, b in pairs[1:]))
        same = and_(*(a == b for a, b in pairs[:2]))
        return select(literal("kept"), *one.c).join(other, same).where(unequal)

    monkeypatch.setattr(sums, "_either", joined)
    assert seen(ledger, "full") == []


def test_a_column_is_not_hashed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as it is posted nor as it is proven, or else the proof would say so at once."""
    canon, told = chain.told, Page.told

    def without(line: bytes, event_id: Any) -> bytes:
        return line[: -1 if event_id is None else -21]

    def canon_less(lines: Sequence[chain.Line]) -> bytes:
        return b"".join([without(canon([line]), line[12]) for line in lines])

    def told_less(self: Page, *known: Any) -> list[bytes]:
        lines: Iterable[bytes] = told(self, *known)
        return [without(*pair) for pair in zip(lines, self.event_id, strict=True)]

    list(worked_example(office))
    unguard(office)
    alter(office, "UPDATE accounting_entry SET event_id = NULL WHERE entry_no = 7")
    assert seen(office) == ["block 7 does not match its hash, entry 7"]

    alter(office, *(f"DELETE FROM {table}" for table in LEDGER))
    alter(office, EMPTY)
    monkeypatch.setattr(batch, "told", canon_less)
    monkeypatch.setattr(Page, "told", told_less)
    list(worked_example(office))
    alter(office, "UPDATE accounting_entry SET event_id = NULL WHERE entry_no = 7")
    assert seen(office) == []


def test_fields_are_joined_by_a_separator() -> None:
    one, other = ("fee|1", "2"), ("fee", "1|2")

    def joined(*values: str) -> bytes:
        return "|".join(values).encode()

    assert chain.canon(*one) != chain.canon(*other)
    assert chain.canon("12", "3") != chain.canon("1", "23")
    assert chain.canon(None) != chain.canon("")
    assert joined(*one) == joined(*other)


def test_price_rows_are_not_checked(ledger: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reward of a task that nobody has done yet is made dearer in time."""
    alter(
        ledger,
        "UPDATE accounting_price SET reward_cents = 4000 WHERE fee_cents = 1300",
        "UPDATE accounting_price_total SET cents = 4000 WHERE kind = 'reward' AND cents = 2000",
    )
    assert seen(ledger) == [
        "the price of task 00000000-0000-4000-8000-000000000006 is not the one drawn, entry 13"
    ]
    assert len(seen(ledger, "full")) == 1
    monkeypatch.setattr(Rules, "_drawn", lambda *_: True)
    monkeypatch.setattr(sums, "_prices", lambda *_: [])
    assert seen(ledger) == seen(ledger, "full") == []


LEDGER = (
    "accounting_letter",
    "accounting_payout",
    "accounting_adjustment",
    "accounting_block",
    "accounting_entry",
    "accounting_account_day",
    "accounting_day_total",
    "accounting_day_reward",
    "accounting_price",
    "accounting_account",
    "accounting_day",
    "outbox",
)
EMPTY = (
    "UPDATE accounting_head SET last_entry_no = 0, last_block_no = 0, last_hash = zeroblob(32),"
    " last_account_id = 0, said = 0"
)
