"""Letters on trial: what a server took, against what the rows say of it (P14)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ates.kernel import mail
from tests.accounting.machine import plain
from tests.accounting.machine.rows import Rows
from tests.kernel.faults import Step

if TYPE_CHECKING:
    from tests.accounting.machine.world import World

SETTLE = Step("M1 handed over, not written down", mail.Post, "settle")


def broken(world: "World", rows: Rows) -> Iterator[str]:
    """P14: each letter at least once, repeats only after doubt, one Message-ID, the right sums."""
    assert world.server is not None
    taken: dict[str, list[bytes]] = defaultdict(list)
    for letter in world.server.letters:
        taken[str(letter["Message-ID"])].append(letter.as_bytes())
    sums = {row[:2]: row.amount_cents for row in rows.payouts}
    for row in rows.letters:
        copies = taken.pop(row.message_id, [])
        yield from _copies(row, copies)
        yield from _amount(rows, row, sums[row.business_date, row.account_id], copies)
    for message_id in taken:
        yield f"P14 the server has a letter {message_id} that no payout knows"


def _copies(row: Any, copies: list[bytes]) -> Iterator[str]:
    what = f"the letter {row.message_id}"
    if row.state == "sent" and not copies:
        yield f"P14 {what} is said to be sent, and nobody has it"
    if len(copies) > 1 + row.doubts + (row.state == "sending"):
        yield f"P14 {what} came {len(copies)} times after {row.doubts} doubts"
    if len(set(copies)) > 1:
        yield f"P14 {what} came with other bytes"


def _amount(rows: Rows, row: Any, cents: int, copies: list[bytes]) -> Iterator[str]:
    """The figures of the letter are those of its day, and its text says the sum."""
    figures: dict[str, int] = defaultdict(int)
    for entry in rows.entries:
        if (entry.account_id, entry.business_date) == (row.account_id, row.business_date):
            figures[entry.kind] += entry.amount_cents
    person = next(a.person_id for a in rows.accounts if a.id == row.account_id)
    carried = plain.as_of(rows.entries, row.business_date - plain.ONE)[person]
    said = (row.carried_cents, row.fee_cents, row.reward_cents, row.adjustment_cents)
    if said != (carried, figures["fee"], figures["reward"], figures["adjustment"]):
        yield f"P14 the letter {row.message_id} says {said}"
    if sum(said) != cents:
        yield f"P14 the letter {row.message_id} sums to {sum(said)}, paid was {cents}"
    amount = f"${cents // 100:,}.{cents % 100:02}".encode()
    if any(amount not in copy for copy in copies):
        yield f"P14 the letter {row.message_id} does not say {amount.decode()}"
