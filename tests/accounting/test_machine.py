"""A state machine of the books: whatever happens, in any order, chapter 16 holds after each act."""

import pytest

from tests.accounting.machine.rules import search
from tests.accounting.machine.stage import Stage
from tests.engines.marks import only_postgresql


def test_the_books_hold_whatever_happens(stage: Stage) -> None:
    search(stage, examples=15, steps=25)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_the_books_hold_whatever_happens_for_long(stage: Stage) -> None:
    search(stage, examples=100, steps=30)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(4))
@only_postgresql
def test_the_books_hold_on_postgresql_too(stage: Stage, part: int) -> None:
    """Four hundred worlds, in parts that workers share."""
    search(stage, examples=100, steps=15)
