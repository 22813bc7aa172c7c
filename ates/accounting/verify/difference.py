"""One thing in the books that is not as it must be."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A sentence for people, with the entries to look at and the amount, where there is one."""

    sentence: str
    first_entry_no: int | None = None
    last_entry_no: int | None = None
    cents: int = 0

    def __str__(self) -> str:
        where = entries(self.first_entry_no, self.last_entry_no)
        return f"{self.sentence}{', ' if where else ''}{where}"


def at(entry_no: int, sentence: str) -> Difference:
    """A difference of one entry."""
    return Difference(sentence, entry_no, entry_no)


def headline(found: Sequence[Difference]) -> str:
    """All in one line, as the payout says it: the largest amount and the range of entries."""
    numbers = [no for each in found for no in (each.first_entry_no, each.last_entry_no) if no]
    where = entries(min(numbers), max(numbers)) if numbers else ""
    amount = max(abs(each.cents) for each in found)
    if not amount:
        return f"books differ: {found[0]}"
    return f"books differ by {dollars(amount)}{', ' if where else ''}{where}"


def entries(first: int | None, last: int | None) -> str:
    if first is None or last is None:
        return ""
    return f"entry {first}" if first == last else f"entries {first}-{last}"


def dollars(cents: int) -> str:
    """`-$1,905.00`: ASCII, for terminals and cron's letters."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02}"
