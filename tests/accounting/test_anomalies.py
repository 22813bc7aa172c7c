"""The anomalies of a day: each kind of books.md, chapter 12, found where it is and nowhere else."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import insert, select, update

from ates.accounting.anomalies import SHOWN
from ates.accounting.models import Card, Hold, PayoutLetter
from ates.accounting.queries.anomalies import DayAnomalies, day_anomalies
from ates.accounting.queries.days import last_days
from ates.accounting.queries.panel import Panel, panel
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated
from ates.kernel import clock, ids
from ates.kernel.bus import publish
from ates.kernel.mail import LetterState
from ates.kernel.tables import event_log, parked
from tests.accounting.make import ARA, BIBI, COCO, Office, moment, task, worked_example
from tests.engines.marks import both

NOW = moment("30 12:00")


def anomalies(office: Office, day: int) -> DayAnomalies:
    with office.database.reading() as session:
        return day_anomalies(session, date(2025, 3, day), at=NOW)


def entries(office: Office, day: int) -> dict[str, list[int]]:
    """Kinds with their entry numbers; tasks without a name, which are all here, apart."""
    found = anomalies(office, day).entries
    return {
        kind: [line.entry_no for line in lines]
        for kind, lines in found.items()
        if lines and kind != "no_card"
    }


def name_tasks(office: Office, *numbers: int) -> None:
    with office.database.transaction() as session:
        for number in numbers:
            session.add(Card(task_id=task(number), number=number, title="Nest", version=1))


def overview(office: Office) -> Panel:
    with office.database.reading() as session:
        return panel(session, last_days(session, at=NOW))


# --- entries --------------------------------------------------------------------------------------


@both
def test_the_worked_example_has_a_late_entry_and_a_correction(office: Office) -> None:
    list(worked_example(office))
    assert entries(office, 27) == {"correction": [4]}
    assert entries(office, 28) == {}
    assert entries(office, 29) == {"late": [16]}


@both
def test_a_reward_without_a_fee_of_the_same_person(office: Office) -> None:
    """Ara was charged, Bibi completed; a fee of another day is one all the same."""
    office.fee(ARA, 1, 1, "27 09:00")
    office.reward(BIBI, 1, "27 10:00")
    office.fee(BIBI, 2, 1, "27 11:00")
    office.run("28 00:10")
    office.reward(BIBI, 2, "28 10:00")
    assert entries(office, 27) == {"no_fee": [2]}
    assert entries(office, 28) == {}
    office.fee(BIBI, 1, 2, "27 09:30", now="28 11:00")  # it comes late, and repairs the picture
    assert entries(office, 27) == {}
    assert entries(office, 28) == {"late": [6]}


@both
def test_a_fee_after_the_completion(office: Office) -> None:
    """By when they happened, not by the order in which they were posted."""
    office.fee(ARA, 1, 1, "27 09:00")
    office.reward(ARA, 1, "27 10:00")
    office.fee(BIBI, 1, 2, "27 10:00:00.000001")
    office.reward(COCO, 2, "27 12:00", now="27 12:05")
    office.fee(COCO, 2, 1, "27 11:00", now="27 12:06")
    assert entries(office, 27) == {"after_completion": [3]}


@both
def test_a_gap_in_assignment_numbers(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(ARA, 1, 2, "27 09:10")
    office.fee(ARA, 1, 4, "27 09:20")
    office.fee(BIBI, 2, 2, "27 09:30")
    assert entries(office, 27) == {"gap": [3, 4]}
    office.fee(COCO, 2, 1, "27 09:25", now="27 10:00")
    assert entries(office, 27) == {"gap": [3]}


@both
def test_a_task_without_a_card_is_named_once(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(ARA, 1, 2, "27 09:10")
    office.fee(ARA, 2, 1, "27 09:20")
    name_tasks(office, 2)
    found = anomalies(office, 27).entries["no_card"]
    assert [line.entry_no for line in found] == [1]


@both
def test_the_first_hundred_of_each_and_one_more(office: Office) -> None:
    with office.posting(moment("27 10:00")) as posting:
        for number in range(1, SHOWN + 30):
            meta = office._meta("27 09:00", 0)
            posting.fee(task(number), 2, to=ARA, cause=meta)
    found = anomalies(office, 27).entries
    assert len(found["gap"]) == len(found["no_card"]) == SHOWN + 1
    assert found["gap"][0].entry_no == 1


# --- events ---------------------------------------------------------------------------------------


@both
def test_events_set_aside_conflicts_first(office: Office, drain: Callable[[], None]) -> None:
    with clock.frozen(moment("27 09:00")), office.database.transaction() as session:
        created = TaskCreated(
            task_id=task(1), key_version=1, number=1, title="Fix the nest", created_by=ARA
        )
        publish(session, created)
        publish(session, TaskAssigned(task_id=task(1), key_version=2, number=1, assignee_id=ARA))
    with clock.frozen(moment("27 10:00")), office.database.transaction() as session:
        publish(session, TaskAssigned(task_id=task(1), key_version=3, number=1, assignee_id=BIBI))
    with clock.frozen(moment("27 10:01")):
        drain()
    with clock.frozen(moment("28 11:00")), office.database.transaction() as session:
        publish(session, TaskCompleted(task_id=task(1), key_version=4, assignee_id=BIBI))
    with clock.frozen(moment("28 11:01")):
        drain()
        office.fee(COCO, 5, 1, "28 12:00")
    _set_aside(office, "UnknownEvent")  # the first event of the 27th, earlier than the conflict

    conflict, other = anomalies(office, 27).aside
    assert (conflict.conflict, conflict.status) == (True, "dead")
    assert f"is booked as entry 1 for person {ARA}" in (conflict.error or "")
    assert (other.conflict, other.status, other.type) == (False, "retry", "tasks.task_created")
    (behind,) = anomalies(office, 28).aside
    assert (behind.status, behind.error) == ("blocked", None)
    assert overview(office).of(date(2025, 3, 27)).aside == 2
    assert overview(office).of(date(2025, 3, 28)).aside == 1


def _set_aside(office: Office, why: str) -> None:
    with office.database.transaction() as session:
        first = session.execute(select(event_log).order_by(event_log.c.position).limit(1)).one()
        session.execute(
            insert(parked).values(
                consumer="accounting", log=first.log, position=first.position,
                source=first.source, key=first.key, status="retry", attempts=1,
                next_at=NOW, error_class=why, error="not yet",
            )
        )  # fmt: skip


# --- letters and holds ----------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("state", "trouble"),
    [("unknown", True), ("failed", True), ("waiting_address", True), ("queued", False),
     ("sending", False), ("sent", False)],
)  # fmt: skip
def test_letters_in_doubt_failed_or_without_address(
    office: Office, state: str, trouble: bool
) -> None:
    list(worked_example(office))
    with office.database.transaction() as session:
        session.execute(update(PayoutLetter).values(state=LetterState.SENT, locale="en"))
        bibi = PayoutLetter.business_date == date(2025, 3, 27)
        session.execute(update(PayoutLetter).where(bibi).values(state=state, reply="550 no"))
    found = anomalies(office, 27).letters
    assert [(each.person_id, each.state, each.cents, each.reply) for each in found] == (
        [(BIBI, state, 2800, "550 no")] if trouble else []
    )
    assert anomalies(office, 28).letters == []
    with office.database.reading() as session:
        days = {each.day.day: each for each in last_days(session, at=NOW)}
        known = panel(session, list(days.values()))
    assert known.of(date(2025, 3, 27)).letters(days[27]) == {state: 1}
    assert known.of(date(2025, 3, 28)).letters(days[28]) == {"sent": 1}
    assert known.of(date(2025, 3, 27)).count(days[27]) == trouble + 1  # and the correction


@both
def test_holds_of_the_day_and_those_its_payout_met(office: Office) -> None:
    """The 29th ends on the 30th at 00:00 and is paid at 00:10."""
    list(worked_example(office))
    when = {
        "of the day, released": (29, None, "28 10:00", "29 10:00"),
        "of another day": (28, None, "28 10:00", None),
        "of everything, meanwhile": (None, None, "29 10:00", "30 00:05"),
        "of everything, released before": (None, None, "29 10:00", "29 12:00"),
        "of an account, active": (None, 1, "29 10:00", None),
        "of an account, after the payout": (None, 2, "30 11:00", None),
    }
    with office.database.transaction() as session:
        for reason, (day, account, since, until) in when.items():
            session.add(
                Hold(
                    id=ids.new(),
                    business_date=date(2025, 3, day) if day else None,
                    account_id=account,
                    reason=reason,
                    held_by=ARA,
                    held_at=moment(since),
                    released_by=BIBI if until else None,
                    released_at=moment(until) if until else None,
                )
            )
    found = anomalies(office, 29).holds
    assert {each.reason: each.name or each.person_id for each in found} == {
        "of the day, released": None,
        "of everything, meanwhile": None,
        "of an account, active": ARA,
    }
    known = overview(office)
    assert known.accounts_held == 2
    assert known.of(date(2025, 3, 28)).holds == 1
    assert known.of(date(2025, 3, 29)).holds == 0
