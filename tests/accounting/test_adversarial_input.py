"""Input nobody should send (chapter 16, cases 1 to 10): parked or right, never dropped."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from ates.accounting.models import Card, Person
from ates.contracts.auth import PersonRegistered, Role
from ates.contracts.tasks import TaskCreated
from ates.kernel import ids
from ates.kernel.bus import publish
from ates.kernel.tables import outbox
from tests.accounting.machine import plain
from tests.accounting.machine.rows import Rows, read
from tests.accounting.machine.rules import ask
from tests.accounting.machine.world import World
from tests.accounting.make import ARA, BIBI, task
from tests.engines.marks import both


def throw(
    world: World,
    data: str | dict[str, Any],
    *,
    task_no: int,
    type: str = "tasks.task_assigned",
    version: int = 1,
    at: datetime | None = None,
) -> None:
    """An event as its bytes come, past what the producer would have refused."""
    world.versions[task_no] += 1
    with world.running(), world.database.transaction() as session:
        session.execute(
            insert(outbox).values(
                event_id=ids.new(),
                source="tasks",
                type=type,
                version=version,
                key=f"task_id:{task(task_no)}",
                key_version=world.versions[task_no],
                occurred_at=at or world.now,
                data=data if isinstance(data, str) else json.dumps(data),
                meta="{}",
            )
        )


def draw(task_no: int, who: object = ARA, **more: Any) -> dict[str, Any]:
    """What `tasks.task_assigned` says."""
    return {"task_id": str(task(task_no)), "number": 1, "assignee_id": str(who)} | more


def hear(world: World) -> Rows:
    """Everything is heard; the books are in order whatever came."""
    world.hear()
    ask(world.faults)
    ask(list(world.proven()))
    return read(world.database)


def booked(rows: Rows) -> list[int]:
    """The numbers of the tasks whose fees are booked."""
    return [int(str(entry.source_id)[-12:]) for entry in rows.entries]


@both
def test_1_an_amount_in_an_event_is_not_read(world: World) -> None:
    throw(world, draw(1, amount_cents=1, fee_cents=1, price="0.01"), task_no=1)
    (entry,) = hear(world).entries
    assert -entry.amount_cents == plain.price(world.keys[1], task(1))[0]


@both
def test_2_unknown_types_and_versions_are_parked(world: World) -> None:
    throw(world, draw(1), task_no=1, type="tasks.task_vanished")
    throw(world, draw(2), task_no=2, version=99)
    throw(world, draw(3), task_no=3)
    rows = hear(world)
    assert booked(rows) == [3]
    assert [row.error_class for row in rows.parked] == ["UnknownEvent", "UnknownEvent"]


@both
def test_3_missing_and_null_fields_are_parked_and_extra_ones_dropped(world: World) -> None:
    for number, name in enumerate(draw(1), 1):
        throw(world, {k: v for k, v in draw(number).items() if k != name}, task_no=number)
    for number, name in enumerate(draw(1), 4):
        throw(world, draw(number) | {name: None}, task_no=number)
    throw(world, draw(7, mood="awful"), task_no=7)
    rows = hear(world)
    assert booked(rows) == [7]
    assert [row.error_class for row in rows.parked] == ["ValidationError"] * 6


@both
def test_4_a_uuid_in_capitals_is_the_same_person_and_a_malformed_one_nobody(world: World) -> None:
    who = UUID("abcdefab-cdef-4abc-8def-abcdefabcdef")
    throw(world, draw(1, who), task_no=1)
    throw(world, draw(2, str(who).upper()), task_no=2)
    for number, wrong in enumerate(("ara", "{" + str(who)[1:], "", "0", 17), 3):
        throw(world, draw(number) | {"assignee_id": wrong}, task_no=number)
    throw(world, draw(9, UUID(int=0)), task_no=9)  # nobody's id: booked, and to be corrected
    rows = hear(world)
    assert [account.person_id for account in rows.accounts] == [who, UUID(int=0)]
    assert len(rows.parked) == 5


@both
def test_5_a_moment_without_zone_is_refused_and_the_year_9999_waits(world: World) -> None:
    with pytest.raises(Exception, match=r"aware|naive|zone"):
        throw(world, draw(1), task_no=1, at=datetime(2025, 3, 28, 20))  # noqa: DTZ001 - the case
    throw(world, draw(2), task_no=2, at=datetime(9999, 12, 31, 23, 59, 59, 999999, UTC))
    throw(world, draw(3), task_no=3, at=datetime(1970, 1, 1, tzinfo=UTC))
    rows = hear(world)
    assert rows.entries == []
    assert [row.error_class for row in rows.parked] == ["TooEarly", "Hopeless"]


@both
def test_6_four_minutes_ahead_is_now_six_are_waited_for_and_ten_years_are_a_mistake(
    world: World,
) -> None:
    world.assign(1, ARA, ago=-4 * 60)
    world.assign(2, ARA, ago=-6 * 60)
    world.assign(3, ARA, ago=-10 * 365 * 86400)
    assert booked(hear(world)) == [1]
    for _ in range(12):
        world.wait(60)
        rows = hear(world)
    assert booked(rows) == [1, 2]
    assert [row.status for row in rows.parked] == ["dead"]
    ask(world.rest())


TITLES = {
    1: "n" * 1_000_000,
    2: "\u202egnp.tsen",
    3: "<script>alert(1)</script>",
    4: "=cmd()|'/c calc'!A1",
    5: "Nest \U0001f99c",
}


@both
def test_7_whatever_a_task_is_called_the_money_is_booked(world: World) -> None:
    for number, title in TITLES.items():
        world.versions[number] = 1
        with world.running(), world.database.transaction() as session:
            publish(
                session,
                TaskCreated(
                    task_id=task(number), key_version=1, number=number, title=title, created_by=ARA
                ),
            )
        world.assign(number, ARA)
    rows = hear(world)
    assert booked(rows) == list(TITLES)
    with world.database.reading() as session:
        cards = dict(session.execute(select(Card.number, Card.title)).all())
    assert cards == TITLES
    ask(world.rest())


@both
def test_7_a_title_with_nul_harms_nothing_but_its_own_task(world: World) -> None:
    told = {"task_id": str(task(1)), "number": 1, "title": "a\x00b", "created_by": str(ARA)}
    throw(world, told, task_no=1, type="tasks.task_created", version=2)
    world.assign(1, ARA)
    world.assign(2, BIBI)
    rows = hear(world)
    waiting = [row for row in rows.parked if row.status != "skipped"]
    assert 2 in booked(rows)
    assert len(waiting) in (0, 2), "PostgreSQL keeps no NUL: the task waits, its fee behind it"
    assert (1 in booked(rows)) == (not waiting)


def register(
    world: World, who: UUID, address: str, role: Role = Role.EMPLOYEE, *, active: bool = True
) -> None:
    """Auth says a person."""
    event = PersonRegistered(
        person_id=who,
        key_version=1,
        email=address,
        name="Popug",
        role=role,
        trade=None,
        locale="en",
        active=active,
        epoch=1,
    )
    with world.running(), world.database.transaction() as session:
        publish(session, event)


@both
def test_8_a_bad_address_holds_up_its_own_letter_only(world: World) -> None:
    assert world.server is not None
    addresses = {
        1: None,
        2: "not an address",
        3: "a@popug.test\r\nBcc: everybody@popug.test",
        4: "fine@popug.test",
    }
    for number, address in addresses.items():
        who = UUID(int=0xC0 + number)
        if address is not None:
            register(world, who, address)
        world.adjust(who, 100 + number)
    world.hear()
    world.to_border(0)
    world.wait(3)
    world.night()
    world.send()
    rows = read(world.database)
    assert {row.account_id: row.state for row in rows.letters} == {
        1: "waiting_address",
        2: "failed",
        3: "failed",
        4: "sent",
    }
    assert [str(letter["To"]) for letter in world.server.letters] == ["fine@popug.test"]
    ask(world.violations())


@both
def test_9_json_that_is_none_is_parked(world: World) -> None:
    honest = json.dumps(draw(5))
    wrong = {
        1: "[" * 100_000 + "]" * 100_000,
        2: honest.replace(str(task(5)), str(task(2))).replace('"number": 1', '"number": NaN'),
        3: honest.replace(str(task(5)), str(task(3)))[:-1],
        4: "\x7f",
    }
    for number, data in wrong.items():
        throw(world, data, task_no=number)
    twice = honest.replace('"number": 1', '"number": 7, "number": 1')
    throw(world, twice, task_no=5)
    rows = hear(world)
    assert booked(rows) == [5]
    assert rows.entries[0].source_no == 1, "of a key that comes twice the last one holds"
    assert len(rows.parked) == 4


@both
def test_10_anybody_is_charged_and_paid_known_or_not(world: World) -> None:
    """Who may be drawn is for tasks to say; accounting books what happened."""
    stranger = UUID(int=0xDD)
    register(world, ARA, "ara@popug.test", Role.MANAGER)
    register(world, BIBI, "bibi@popug.test", active=False)
    for number, who in enumerate((ARA, BIBI, stranger), 1):
        world.assign(number, who)
        world.complete(number)
    rows = hear(world)
    assert len(rows.entries) == 6
    world.to_border(0)
    world.wait(3)
    world.night()
    states = {row.account_id: row.state for row in read(world.database).letters}
    assert states[3] == "waiting_address"
    with world.database.reading() as session:
        assert len(session.scalars(select(Person)).all()) == 2
    ask(world.rest())


def test_25_a_leap_second_is_read_as_no_other_second(world: World) -> None:
    """No clock of ours says 60; who wrote it by hand is told so, and nothing is guessed."""
    with pytest.raises(ValueError, match="second"):
        datetime.fromisoformat("2025-03-28T23:59:60+00:00")
    world.assign(1, ARA)
    world.hear()
    world.now = datetime(2025, 3, 28, 23, 59, 59, 999_999, UTC)
    world.assign(2, ARA)
    world.now += timedelta(microseconds=1)
    world.assign(3, ARA)
    rows = hear(world)
    assert [str(entry.business_date) for entry in rows.entries] == ["2025-03-28"] * 2 + [
        "2025-03-29"
    ]
