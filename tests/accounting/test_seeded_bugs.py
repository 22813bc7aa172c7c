"""The mutation list of books.md: each planted bug turns its property red, and nothing else does."""

import pytest

from tests.accounting.machine import bugs_of_figures, bugs_of_nights, bugs_of_posting
from tests.accounting.machine.planting import Bug, play
from tests.accounting.machine.rules import Broken, search
from tests.accounting.machine.stage import Stage
from tests.engines.marks import only_postgresql

EVERY = bugs_of_figures.every(bugs_of_nights.BUGS, bugs_of_posting.BUGS, bugs_of_figures.BUGS)
SIDE_BY_SIDE = [bug for bug in EVERY if bug.side_by_side]
ALONE = [bug for bug in EVERY if not bug.side_by_side]
# Worlds of the random search within which it meets a bug: it repeats itself, so that this is sure.
WITHIN = {
    "conflict taken as repetition": 60,
    "time not in the content": 60,
    "unsorted upsert": 60,
    "accounts numbered by sorted id": 60,
    "upper end excluded": 60,
    "fee per assignment": 60,
    "as-of with the day itself left out": 60,
    "debt reset at midnight": 80,
    "sign of income, overview": 60,
    "same person not charged": 80,
}
SEARCHED = [bug for bug in EVERY if bug.name in WITHIN]


def _name(bug: Bug) -> str:
    return bug.name


@pytest.mark.parametrize("bug", ALONE, ids=_name)
def test_a_planted_bug_is_killed_by_its_saved_example(stage: Stage, bug: Bug) -> None:
    with bug.plant(), pytest.raises(Broken) as found:
        play(stage.world(bug.zone), bug.trace)
    assert bug.broken in found.value.names, found.value


@only_postgresql
@pytest.mark.parametrize("bug", SIDE_BY_SIDE, ids=_name)
def test_a_bug_of_writers_side_by_side_is_killed(stage: Stage, bug: Bug) -> None:
    play(stage.world(bug.zone), bug.trace)
    with bug.plant(), pytest.raises(Broken) as found:
        play(stage.world(bug.zone), bug.trace)
    assert bug.broken in found.value.names, found.value


def test_without_a_bug_no_saved_example_breaks_anything(stage: Stage) -> None:
    for trace, zone in {(bug.trace, bug.zone) for bug in ALONE}:
        play(stage.world(zone), trace)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", SEARCHED, ids=_name)
def test_a_planted_bug_is_found_by_the_search(stage: Stage, bug: Bug) -> None:
    with bug.plant(), pytest.raises(Broken):
        search(stage, WITHIN[bug.name], 30, repeatable=True)
