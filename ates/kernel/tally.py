"""What a part counts of each business day: its side of the reconciliation (ops.reconciliation)."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session


class Figure(StrEnum):
    """What can be counted. Two parts that count the same name have to agree."""

    # By the day on which it happened.
    ASSIGNMENTS = "assignments"
    COMPLETIONS = "completions"
    FEES = "fees"
    REWARDS = "rewards"
    # By the day in which it counts, signed as in the ledger.
    FEE_CENTS = "fee_cents"
    REWARD_CENTS = "reward_cents"
    ADJUSTMENT_CENTS = "adjustment_cents"
    PAYOUT_CENTS = "payout_cents"
    ENTRIES = "entries"
    # By the day that is settled.
    PAYOUTS = "payouts"
    LETTERS = "letters"
    LETTER_CENTS = "letter_cents"  # what they tell their receivers, positive
    UNSENT = "unsent"  # letters that have not gone out
    # Entries that count in this day and happened before it, and the other way round.
    LATE = "late"
    COUNTED_LATER = "counted_later"


Counts = Mapping[Figure, int]  # what is not there is zero
ByDay = Mapping[date, Counts]


@dataclass(frozen=True)
class Span:
    """A business day as the part that cuts days has it: `starts_at` inclusive, `ends_at` not."""

    day: date
    starts_at: datetime
    ends_at: datetime
    state: str


@dataclass(frozen=True, order=True)
class Fact:
    """One of the things a figure counts: equal in two parts if `source` is."""

    source: tuple[UUID, int]
    sentence: str = field(compare=False)  # an English msgid with named parameters …
    values: Mapping[str, Any] = field(compare=False)  # … which these fill
    endpoint: str = field(compare=False)  # its page
    where: Mapping[str, Any] = field(compare=False)


# The figures of days that adjoin, oldest first. With True they are counted from the rows one by
# one, which may take minutes; else from the sums that the part keeps, or an index.
Count = Callable[[Session, Sequence[Span], bool], ByDay]
# What a figure counts on one day, one by one, in the order of `source`; closed by who has enough.
Facts = Callable[[Session, Span, Figure], Generator[Fact, None, None]]


@dataclass(frozen=True)
class Tracker:
    """The part where work is given and done. It cuts no days: it counts between their borders."""

    count: Count
    facts: Facts


@dataclass(frozen=True)
class Ledger:
    """The part that cuts days and books what the tracker says."""

    # The newest days that have begun by a moment, oldest first; None is all.
    days: Callable[[Session, datetime, int | None], Sequence[Span]]
    count: Count
    facts: Facts
    # What it got after an entry: what a follower who has heard that one last cannot know.
    unheard: Callable[[Session, int], ByDay]


@dataclass(frozen=True)
class Follower:
    """A part that follows the ledger: the last entry it has counted, and the figures by then."""

    count: Callable[[Session, Sequence[Span]], tuple[int, ByDay]]


# What a part tells of its own tables, in the snapshot it is given, in bulk statements only.
Tally = Tracker | Ledger | Follower
