"""The lot: who gets which task is drawn here, in Python, each with the same chance (R6, R7)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from uuid import UUID

from ates.kernel import ids


@dataclass(frozen=True)
class Spread:
    """How many tasks the people in the lot got."""

    least: int
    median: int
    most: int


def draw(people: Sequence[UUID], times: int) -> list[UUID]:
    """One draw for each task, each among all people: nobody leaves the lot by being drawn.

    Never in SQL: one `ORDER BY random() LIMIT 1` in a bulk statement is evaluated once, and gives
    every task to the same person.
    """
    return ids.draws(people, times)


def spread(people: Sequence[UUID], drawn: Sequence[UUID]) -> Spread:
    """Tasks per person; who got none counts as zero."""
    return spread_of([*Counter(drawn).values()], among=len(people))


def spread_of(counts: Sequence[int], *, among: int) -> Spread:
    """The same from the counts of those who got any."""
    each = [*counts, *[0] * (among - len(counts))]
    return Spread(min(each), median_low(each), max(each))
