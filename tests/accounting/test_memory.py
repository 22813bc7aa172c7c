"""What a drain keeps in mind between two batches: it saves questions, and changes nothing."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask

from ates.accounting.posting import memory as module
from ates.accounting.posting.memory import Memory
from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel import clock
from ates.kernel.bus import publish
from ates.kernel.delivery import Drain as Consumer
from ates.kernel.errors import DatabaseAway
from tests.accounting.make import ARA, BIBI, COCO, Office, created, moment, task
from tests.engines.marks import both
from tests.engines.statements import statements
from tests.kernel.faults import DRAIN, Crash, breaking, crash, replaced

pytestmark = both
Drain = Callable[[], None]


def assigned(number: int, who: Any, *, version: int = 2, draw: int = 1) -> TaskAssigned:
    return TaskAssigned(task_id=task(number), key_version=version, number=draw, assignee_id=who)


def completed(number: int, who: Any) -> TaskCompleted:
    return TaskCompleted(task_id=task(number), key_version=9, assignee_id=who)


def heard(office: Office, drain: Drain, at: str, *events: Any) -> None:
    with clock.frozen(moment(at)):
        with office.database.transaction() as session:
            for each in events:
                publish(session, each)
        drain()


def questions(said: list[str]) -> list[str]:
    """The tables of accounts and prices that were asked."""
    return [
        name
        for statement in said
        for name in ("accounting_account", "accounting_price")
        if statement.startswith("SELECT") and f"FROM {name} WHERE" in statement
    ]


@pytest.fixture
def second(app: Flask) -> Callable[[], None]:
    """Go on as another worker would: with its own memory, which is put back at the next call."""
    there = Memory()

    def swap() -> None:
        nonlocal there
        there, app.extensions["ates.memory"] = app.extensions["ates.memory"], there

    return swap


def test_the_second_batch_asks_only_for_what_it_has_not_met(office: Office, drain: Drain) -> None:
    heard(office, drain, "27 09:00", created(1), assigned(1, ARA))
    with statements(office.database.engine) as said:
        heard(office, drain, "27 09:10", completed(1, ARA), created(2), assigned(2, ARA))
    assert questions(said) == []
    with statements(office.database.engine) as said:
        heard(office, drain, "27 09:20", assigned(3, BIBI))  # nobody said that it was created
    assert sorted(questions(said)) == ["accounting_account", "accounting_price"]
    assert office.verify("full") == []


def test_two_workers_that_take_turns_book_as_one_does(
    office: Office, drain: Drain, second: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        heard(office, drain, "27 09:00", created(1), assigned(1, ARA))
        second()
        heard(
            office,
            drain,
            "27 09:10",
            created(2),
            assigned(2, ARA),
            assigned(1, BIBI, version=3, draw=2),
        )
        second()
        heard(office, drain, "27 09:20", completed(2, ARA), completed(1, BIBI), assigned(3, COCO))
        second()
        heard(office, drain, "27 09:30", completed(3, COCO))
    assert "event by event" not in caplog.text
    assert [entry.account_seq for entry in office.entries()] == [1, 2, 1, 3, 2, 1, 2]
    assert office.verify("full") == []


def test_without_a_look_at_the_head_the_second_worker_stumbles(
    office: Office, drain: Drain, second: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The control of the test above; that the table takes no entry twice keeps the books right."""
    with replaced(module, "_place", lambda _: ()), caplog.at_level(logging.INFO):
        heard(office, drain, "27 09:00", assigned(1, ARA))
        second()
        heard(office, drain, "27 09:10", assigned(2, ARA))
        second()
        heard(office, drain, "27 09:20", assigned(3, ARA))
    assert "event by event" in caplog.text
    assert [entry.account_seq for entry in office.entries()] == [1, 2, 3]
    assert office.verify("full") == []


@pytest.mark.parametrize("step", DRAIN, ids=lambda step: step.name)
def test_of_a_batch_that_was_not_committed_nothing_is_kept(
    office: Office, app: Flask, drain: Drain, step: Any
) -> None:
    def accounting() -> None:
        Consumer(office.database, app.extensions["ates.inboxes"]["accounting"]).run()

    heard(office, drain, "27 09:00", created(1), assigned(1, ARA))
    with breaking(office.database, step, crash), suppress(Crash, DatabaseAway):
        heard(office, accounting, "27 09:10", completed(1, ARA), created(2), assigned(2, BIBI))
    untouched = step.name == "F6 drain has taken"  # the batch had not begun to look
    assert (app.extensions["ates.memory"]._kept is not None) == untouched
    heard(office, drain, "27 09:20", completed(2, BIBI))
    assert [entry.account_seq for entry in office.entries()] == [1, 2, 1, 2]
    assert office.verify("full") == []


def test_what_is_kept_has_an_end(
    office: Office, app: Flask, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    heard(office, drain, "27 09:00", *(assigned(n, who) for n, who in enumerate((ARA, BIBI, COCO))))
    heard(office, drain, "27 09:10", *(completed(n, ARA) for n in range(3)))
    known = app.extensions["ates.memory"]._kept[1]
    assert (len(known.accounts), len(known.prices)) == (2, 2)
    assert office.verify("full") == []
