"""Whether prices are drawn as R13 promises, in figures that everybody may check.

The ranges stand here a second time on purpose: taken from `pricing` they would follow its mistakes.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.keyring import Keyring
from ates.accounting.models import Card, PricedKind, PriceTotal, TaskPrice
from ates.accounting.pricing import LABEL, halves_of
from ates.kernel.errors import Hopeless

PROMISED: dict[PricedKind, Sequence[int]] = {  # cents, both ends included
    "fee": range(10_00, 20_00 + 1, 1_00),
    "reward": range(20_00, 40_00 + 1, 1_00),
}
COMMITMENT = b"ates/price/commitment/v1|"
ENOUGH = 5  # tasks expected a bar: below it the chi-square test says nothing
RARE, NEVER = 0.01, 1e-6


@dataclass(frozen=True)
class Distribution:
    """How many tasks drew each price of a range, against the same number for each."""

    kind: PricedKind
    bars: tuple[tuple[int, int], ...]  # cents, tasks

    @property
    def tasks(self) -> int:
        return sum(tasks for _, tasks in self.bars)

    @property
    def even(self) -> float:
        """What each bar would have if chance were exactly even."""
        return self.tasks / len(self.bars)

    @property
    def enough(self) -> bool:
        """Whether there are tasks enough to judge."""
        return self.even >= ENOUGH

    @property
    def freedom(self) -> int:
        return len(self.bars) - 1

    @property
    def chi_square(self) -> float:
        """The sum of squared deviations, each by what was expected; 0 without any task."""
        even = self.even or 1
        return sum((tasks - even) ** 2 / even for _, tasks in self.bars)

    @property
    def chance(self) -> float:
        """How probable a deviation as large or larger is when every price has the same chance."""
        return upper_gamma(self.freedom, self.chi_square / 2)

    @property
    def companies(self) -> tuple[int, int]:
        """`chance` for people: so many of so many companies; (0, …) is less than one."""
        of = 100 if self.chance >= RARE else 1_000_000
        return min(round(self.chance * of), of - 1), of

    @property
    def verdict(self) -> str:
        """What follows from it: too few tasks to say, what chance does, rare, or never."""
        if not self.enough:
            return "few"
        return "usual" if self.chance >= RARE else "rare" if self.chance >= NEVER else "never"


@dataclass(frozen=True)
class Half:
    """Eight drawn bytes, and the dollars that follow from them."""

    drawn: bytes
    least: int  # dollars
    choices: int
    stored_cents: int

    @property
    def number(self) -> int:
        return int.from_bytes(self.drawn)

    @property
    def remainder(self) -> int:
        return self.number % self.choices

    @property
    def cents(self) -> int:
        return 100 * (self.least + self.remainder)

    @property
    def equal(self) -> bool:
        return self.cents == self.stored_cents


@dataclass(frozen=True)
class Recomputed:
    """The price of one task drawn again, beside the one that is stored. The key stays here."""

    number: int
    task_id: UUID
    key_id: int
    priced_at: datetime
    fee: Half | None  # None: this installation no longer has the key
    reward: Half | None

    @property
    def equal(self) -> bool:
        """Whether both come out as they are stored."""
        return bool(self.fee and self.fee.equal and self.reward and self.reward.equal)

    @property
    def message(self) -> str:
        """What the key was applied to, in hexadecimal digits."""
        return (LABEL + self.task_id.bytes).hex()


def distributions(session: Session) -> tuple[Distribution, ...]:
    """Of fees and of rewards, from sums that are kept as prices are drawn: one statement."""
    rows = session.execute(select(PriceTotal.kind, PriceTotal.cents, PriceTotal.tasks))
    drawn = {(row.kind, row.cents): row.tasks for row in rows}
    return tuple(
        Distribution(kind, tuple((cents, drawn.get((kind, cents), 0)) for cents in promised))
        for kind, promised in PROMISED.items()
    )


def commitments(keyring: Keyring) -> dict[int, str]:
    """For each key its digest: whoever wrote it down will know the key again, and no other."""
    return {
        key_id: hashlib.sha256(COMMITMENT + keyring.sub_key(key_id, "price")).hexdigest()
        for key_id in keyring.keys
    }


def recompute(session: Session, number: int, keyring: Keyring) -> Recomputed | None:
    """Draw the price of task `number` again; None for a task without a price or unknown here."""
    row = session.execute(
        select(TaskPrice.__table__)
        .join(Card, Card.task_id == TaskPrice.task_id)
        .where(Card.number == number)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    try:
        key = keyring.sub_key(row.key_id, "price")
    except Hopeless:
        return Recomputed(number, row.task_id, row.key_id, row.priced_at, None, None)
    fee, reward = halves_of(row.task_id.bytes, key)
    return Recomputed(
        number,
        row.task_id,
        row.key_id,
        row.priced_at,
        _half("fee", fee, row.fee_cents),
        _half("reward", reward, row.reward_cents),
    )


def upper_gamma(halves: int, x: float) -> float:
    """The regularized upper incomplete gamma function Q(halves / 2, x), x >= 0.

    `upper_gamma(k, c / 2)` is the chance of a chi-square of c or more with k degrees of freedom. A
    finite sum for each whole number of halves: Q(1/2, x) = erfc(sqrt x), Q(1, x) = exp -x, and
    Q(a + 1, x) = Q(a, x) + x^a exp(-x) / gamma(a + 1); all terms are positive, none cancels.
    """
    if x <= 0:
        return 1.0
    odd = halves % 2
    a, found = (0.5, math.erfc(math.sqrt(x))) if odd else (1.0, math.exp(-x))
    while 2 * a < halves:
        found += math.exp(a * math.log(x) - x - math.lgamma(a + 1))
        a += 1
    return min(found, 1.0)


def _half(kind: PricedKind, drawn: bytes, stored_cents: int) -> Half:
    promised = PROMISED[kind]
    return Half(drawn, promised[0] // 100, len(promised), stored_cents)
