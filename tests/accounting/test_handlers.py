"""What accounting does when others speak, through the real log."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import exc, select, text, update

from ates.accounting.models import Card, Person
from ates.contracts.auth import PersonChanged, PersonRegistered, Role
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskRetitled
from ates.kernel import clock
from ates.kernel.bus import publish
from ates.kernel.events import meta_of
from ates.kernel.tables import consumer, parked
from tests.accounting.make import ARA, BIBI, Office, created, moment, task
from tests.engines.marks import both

Drain = Callable[[], None]


def say(office: Office, at: str, *events: Any) -> None:
    with clock.frozen(moment(at)), office.database.transaction() as session:
        for each in events:
            publish(session, each)


def hear(drain: Drain, at: str) -> None:
    with clock.frozen(moment(at)):
        drain()


@both
def test_a_task_from_creation_to_reward(office: Office, drain: Drain) -> None:
    say(
        office,
        "27 09:00",
        created(1),
        TaskAssigned(task_id=task(1), key_version=2, number=1, assignee_id=ARA),
    )
    say(
        office, "27 10:00", TaskAssigned(task_id=task(1), key_version=3, number=2, assignee_id=BIBI)
    )
    say(office, "27 11:00", TaskCompleted(task_id=task(1), key_version=4, assignee_id=BIBI))
    say(office, "27 12:00", TaskRetitled(task_id=task(1), key_version=5, title="Mend the nest"))
    hear(drain, "27 12:01")
    assert office.balances() == {"Ara": -2000, "Bibi": 1100}
    card = office.rows(select(Card.__table__))[0]
    assert (card.title, card.jira_id, card.number) == ("Mend the nest", None, 1)
    entries = office.entries()
    assert [entry.occurred_at for entry in entries] == [
        moment("27 09:00"),
        moment("27 10:00"),
        moment("27 11:00"),
    ]
    assert all(entry.posted_at == moment("27 12:01") for entry in entries)


@both
def test_a_log_that_is_delivered_again_books_only_what_is_new(office: Office, drain: Drain) -> None:
    """Decision 14: the batch hopes, the table refuses, the second try asks."""
    assigned = TaskAssigned(task_id=task(1), key_version=2, number=1, assignee_id=ARA)
    say(office, "27 09:00", created(1), assigned)
    hear(drain, "27 09:01")
    before = office.entries()
    with office.database.transaction() as session:
        again = update(consumer).where(consumer.c.name == "accounting").values(position=0)
        session.execute(again)
    say(office, "27 10:00", TaskCompleted(task_id=task(1), key_version=3, assignee_id=ARA))
    hear(drain, "27 10:01")
    assert office.entries()[: len(before)] == before
    assert [entry.kind for entry in office.entries()] == ["fee", "reward"]
    assert office.rows(select(parked)) == []


def test_the_version_with_the_id_in_the_title_is_still_read(office: Office, drain: Drain) -> None:
    """R9: old events stay readable for ever."""
    say(office, "27 09:00", created(1))
    with office.database.transaction() as session:
        session.execute(
            text("UPDATE outbox SET version = 1, data = :data"),
            {
                "data": f'{{"created_by":"{ARA}","description":null,"number":1,'
                f'"task_id":"{task(1)}","title":"[POPUG-7] - Fix [it]"}}'
            },
        )
    hear(drain, "27 09:01")
    card = office.rows(select(Card.__table__))[0]
    assert (card.title, card.jira_id) == ("Fix (it)", "POPUG-7")


@both
def test_a_poisoned_event_parks_its_own_task_and_nothing_else(office: Office, drain: Drain) -> None:
    say(
        office,
        "27 09:00",
        *(
            TaskAssigned(task_id=task(n), key_version=1, number=1, assignee_id=ARA)
            for n in range(1, 6)
        ),
    )
    hear(drain, "27 09:01")
    lie = TaskAssigned(task_id=task(3), key_version=2, number=1, assignee_id=BIBI)
    more = [TaskCompleted(task_id=task(n), key_version=3, assignee_id=ARA) for n in range(1, 6)]
    say(office, "27 10:00", lie, *more)
    hear(drain, "27 10:01")
    rewarded = {entry.source_id for entry in office.entries() if entry.kind == "reward"}
    assert rewarded == {task(n) for n in (1, 2, 4, 5)}
    rows = office.rows(
        select(parked.c.status, parked.c.key).where(parked.c.consumer == "accounting")
    )
    assert sorted(tuple(row) for row in rows) == [
        ("blocked", f"task_id:{task(3)}"),
        ("dead", f"task_id:{task(3)}"),
    ]


def test_people_are_kept_as_auth_last_said(office: Office, drain: Drain) -> None:
    about: dict[str, Any] = {
        "person_id": ARA,
        "email": "ara@popug.test",
        "name": "Ara",
        "role": Role.EMPLOYEE,
        "trade": "tester",
        "locale": "ru",
        "active": True,
        "epoch": 1,
    }
    say(office, "27 09:00", PersonRegistered(key_version=1, **about))
    say(office, "27 10:00", PersonChanged(key_version=2, **about | {"name": "Arabella"}))
    hear(drain, "27 10:01")
    row = office.rows(select(Person.__table__))[0]
    assert (row.name, row.role, row.locale, row.version) == ("Arabella", "employee", "ru", 2)


def test_one_correlation_from_the_click_to_the_booking(office: Office, drain: Drain) -> None:
    click = TaskAssigned(task_id=task(1), key_version=1, number=1, assignee_id=ARA)
    say(office, "27 09:00", click)
    heard: list[Any] = []
    from_log = text("SELECT meta FROM event_log WHERE type = 'accounting.entries_posted'")
    hear(drain, "27 09:01")
    heard = office.rows(from_log)
    assert str(meta_of(click).id) in heard[0].meta


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_writer_without_the_head_lock_waits_for_the_close_and_is_refused(
    office: Office, app: Flask
) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    closing, late = office.database.session(), office.database.session()
    with closing, late:
        closing.execute(
            text(
                "UPDATE accounting_day SET state = 'closed', closed_at = ends_at,"
                " close_entry_no = 1, close_block_no = 1, parked = 0, seal = ''"
                " WHERE business_date = '2025-03-27'"
            )
        )
        late.execute(text("SET LOCAL lock_timeout = '300ms'"))
        with pytest.raises(exc.OperationalError):
            late.execute(text(LATE), {"source": UUID(int=4711)})
        late.rollback()
        closing.commit()
        with pytest.raises(exc.IntegrityError, match="does not take"):
            late.execute(text(LATE), {"source": UUID(int=4711)})


LATE = """
INSERT INTO accounting_entry VALUES (2, 1, 2, 'fee', :source, 1, -1000, -3000, '2025-03-27',
    '2025-03-27', '2025-03-27T10:00Z', '2025-03-27T10:00Z', NULL)
"""
