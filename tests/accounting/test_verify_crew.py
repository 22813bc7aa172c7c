"""A long chain is shared among processes: they find what one finds, and a lost one is no proof."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from ates.accounting import verify as proof
from ates.accounting.verify import Crew
from tests.accounting.hands import alter, unguard
from tests.accounting.make import Office, worked_example
from tests.engines.marks import both


def small(office: Office) -> Crew:
    """Two processes for ranges of a few entries."""
    return replace(Crew.of(office.database, processes=2), least=0, range=5)


def found(office: Office, crew: Crew | None, told: Callable[..., None] = print) -> proof.Found:
    with office.database.reading() as session:
        return proof.verify(session, office.books, "full", crew=crew, progress=told)


@both
def test_several_find_what_one_finds(office: Office) -> None:
    list(worked_example(office))
    unguard(office)
    alter(
        office,
        "UPDATE accounting_entry SET balance_cents = 1 WHERE entry_no = 5",
        "UPDATE accounting_entry SET occurred_on = '2025-03-27' WHERE entry_no = 12",
        "DELETE FROM accounting_block WHERE block_no = 10",
    )
    steps: list[tuple[int, int]] = []
    alone, together = found(office, None), found(office, small(office), lambda *s: steps.append(s))
    assert {str(each) for each in alone.differences} <= {str(each) for each in together.differences}
    assert "block 11 does not follow block 9, entry 11" in map(str, together.differences)
    assert together.entries == alone.entries
    assert steps[-1] == (17, 18)  # one entry is in no block


def test_honest_books_are_clean_for_all_of_them(office: Office) -> None:
    list(worked_example(office))
    with office.database.reading() as session:
        done = proof.verify(session, office.books, "new", crew=small(office))
    assert (done.differences, done.entries, done.block_no) == ([], 18, 18)


def test_few_entries_are_done_by_one(office: Office) -> None:
    list(worked_example(office))
    with office.database.reading() as session:
        assert not Crew.of(office.database, processes=2).worth(session, 0, 18)
        assert not replace(small(office), processes=1).worth(session, 0, 18)
        assert small(office).worth(session, 0, 18)


def test_a_worker_that_fails_is_no_clean_proof(
    office: Office, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here none of them reaches the database."""
    list(worked_example(office))
    lost = replace(small(office), url="sqlite:////nowhere/books.sqlite3")

    def crew(_: Any) -> Crew:
        return lost

    monkeypatch.setattr(proof.Crew, "of", crew)
    done = app.test_cli_runner().invoke(args=["accounting", "verify"])
    assert done.exit_code == 1
    assert "The database does not answer" in done.output
