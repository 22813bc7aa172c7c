"""The figures of one day beside each other: which must agree, and what explains a gap. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel.events import contract_of
from ates.kernel.tally import Counts, Figure, Span
from ates.kernel.underway import ASIDE, SKIPPED, WAITING

# What tasks counts, what accounting makes of it, and the event that tells of it.
BOOKED = {
    Figure.ASSIGNMENTS: (Figure.FEES, contract_of(TaskAssigned).type),
    Figure.COMPLETIONS: (Figure.REWARDS, contract_of(TaskCompleted).type),
}


class Standing(IntEnum):
    """How a day, or everything, stands; the number is the exit code of the command."""

    CLEAN = 0
    UNDERWAY = 3
    DIFFERENT = 4


@dataclass(frozen=True)
class Check:
    """Two figures of one day: what `left` counts, `right` has to have."""

    name: Figure  # of the left one
    left: int
    right: int
    # Events that happened on this day and have no effect on `right` yet.
    waiting: int = 0
    aside: int = 0  # set aside until somebody repairs them
    skipped: int = 0  # left out for ever by somebody's decision

    @property
    def off(self) -> int:
        """What nothing explains: above zero is missing on the right, below it is too much there.

        An event on its way may be a repetition that will have no effect, so it explains up to one.
        """
        gap = self.left - self.right
        return gap - min(max(gap, 0), self.explained)

    @property
    def explained(self) -> int:
        """Events of the day that are known to have no effect yet, or never."""
        return self.waiting + self.aside + self.skipped

    @property
    def standing(self) -> Standing:
        if self.off:
            return Standing.DIFFERENT
        return Standing.UNDERWAY if self.waiting or self.aside else Standing.CLEAN


@dataclass(frozen=True)
class DayLine:
    """One day: the figures of every part that has some, and how they compare."""

    span: Span
    tracker: Counts | None  # None: the part is not here
    ledger: Counts
    analytics: Counts | None
    checks: tuple[Check, ...]
    unheard: int = 0  # entries on their way to analytics
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        worst = max((each.standing for each in self.checks), default=Standing.CLEAN)
        if self.unheard or self.ledger.get(Figure.UNSENT):
            worst = max(worst, Standing.UNDERWAY)
        object.__setattr__(self, "standing", worst)

    def check(self, name: Figure) -> Check | None:
        """The comparison of this name; the page has a column for each."""
        return next((each for each in self.checks if each.name == name), None)

    @property
    def counted_later(self) -> int:
        """Entries of this day that count in a later one, as it was closed when they came."""
        return self.ledger.get(Figure.COUNTED_LATER, 0)

    @property
    def income_cents(self) -> int:
        """By the ledger (R16)."""
        return _income(self.ledger)

    @property
    def analytics_income_cents(self) -> int | None:
        return None if self.analytics is None else _income(self.analytics)

    @property
    def analytics_standing(self) -> Standing:
        """Of all its figures together."""
        mine = [each.standing for each in self.checks if each.name in FOLLOWED]
        return max([Standing.UNDERWAY if self.unheard else Standing.CLEAN, *mine])

    @property
    def letters_standing(self) -> Standing:
        mine = [each.standing for each in self.checks if each.name in SETTLED]
        unsent = Standing.UNDERWAY if self.ledger.get(Figure.UNSENT) else Standing.CLEAN
        return max([unsent, *mine])


# The figures analytics shares with the ledger, and those of payouts and their letters.
FOLLOWED = (
    Figure.ENTRIES,
    Figure.FEE_CENTS,
    Figure.REWARD_CENTS,
    Figure.ADJUSTMENT_CENTS,
    Figure.PAYOUT_CENTS,
    Figure.REWARDS,
)
SETTLED = (Figure.LETTERS, Figure.LETTER_CENTS)


def booked(tracker: Counts, ledger: Counts, underway: Mapping[tuple[str, str], int]) -> list[Check]:
    """Assignments are fees, completions are rewards; `underway` is (type, state) → events."""
    return [
        Check(
            name,
            tracker.get(name, 0),
            ledger.get(right, 0),
            *(underway.get((type_, state), 0) for state in (WAITING, ASIDE, SKIPPED)),
        )
        for name, (right, type_) in BOOKED.items()
    ]


def followed(ledger: Counts, analytics: Counts, unheard: Counts) -> list[Check]:
    """Every figure of the ledger, without what analytics has not heard, is the one it has."""
    return [
        Check(name, ledger.get(name, 0) - unheard.get(name, 0), analytics.get(name, 0))
        for name in FOLLOWED
    ]


def settled(ledger: Counts) -> Iterator[Check]:
    """Each payout has its letter, and the letters tell what was paid."""
    count, told = ledger.get(Figure.LETTERS, 0), ledger.get(Figure.LETTER_CENTS, 0)
    yield Check(Figure.LETTERS, ledger.get(Figure.PAYOUTS, 0), count)
    yield Check(Figure.LETTER_CENTS, -ledger.get(Figure.PAYOUT_CENTS, 0), told)


def _income(counts: Counts) -> int:
    return -(counts.get(Figure.FEE_CENTS, 0) + counts.get(Figure.REWARD_CENTS, 0))
