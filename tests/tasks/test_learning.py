"""What tasks learns of people, prices and bookings, in any order and any number of times."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from ates.contracts.auth import Role
from ates.contracts.tasks import TaskAssigned
from ates.kernel import ids
from ates.kernel.events import meta_of
from ates.tasks import queries, service
from ates.tasks.models import Assignee, Reason
from ates.tasks.titles import Wording
from tests.engines.marks import both
from tests.tasks import make
from tests.tasks.test_shuffle import statements

pytestmark = both


def picture(session: Session, person: Any) -> tuple[str, str, bool, bool, int]:
    found = session.get_one(Assignee, person, populate_existing=True)
    return found.name, found.role, found.active, found.eligible, found.version


def test_a_registered_person_is_in_the_lot_by_role(session: Session) -> None:
    for role, drawn in (
        (Role.EMPLOYEE, True),
        (Role.ACCOUNTANT, True),
        (Role.MANAGER, False),
        (Role.ADMIN, False),
    ):
        person = ids.new()
        make.hear(session, make.registered(person, "Kesha", role))
        assert picture(session, person) == ("Kesha", role, True, drawn, 1)


def test_an_older_picture_of_a_person_loses(session: Session) -> None:
    person = ids.new()
    make.hear(session, make.changed(person, 3, name="New", role=Role.MANAGER))
    make.hear(session, make.registered(person, "Old"), make.changed(person, 2, name="Older"))
    assert picture(session, person) == ("New", "manager", True, False, 3)
    make.hear(
        session, make.changed(person, 5, name="Newest"), make.changed(person, 4, name="Between")
    )
    assert picture(session, person)[0] == "Newest"


def test_the_first_price_stays_and_comes_again_harmlessly(session: Session) -> None:
    task = make.task(session, make.assignee(session))
    make.hear(session, make.priced((task.id, 1400, 3200), (ids.new(), 1000, 2000)))
    make.hear(session, make.priced((task.id, 1500, 3300)))
    (now,) = make.all_tasks(session)
    assert (now.fee_cents, now.reward_cents, now.worth_cents) == (1400, 3200, 3200)
    assert now.priced_at is not None
    assert now.said == 2


def test_bookings_are_noted_by_assignment_and_by_task_in_any_order(session: Session) -> None:
    kesha = make.assignee(session, "Kesha")
    task = make.task(session, kesha)
    service.shuffle_open_tasks(session, by=kesha.id)
    service.complete_task(session, task.number, by=kesha.id)
    page = queries.one(session, 1, viewer=kesha.id, at=task.completed_at or task.created_at)
    assert page.task.reward_state == "pending"
    make.hear(
        session,
        make.posted(
            make.entry(12, "reward", task.id, 0, 3200),
            make.entry(11, "fee", task.id, 2, -1400),
            make.entry(13, "payout", kesha.id, 20261124, -100),
            make.entry(14, "adjustment", ids.new(), 0, 100),
        ),
        make.priced((task.id, 1400, 3200)),
    )
    make.hear(session, make.posted(make.entry(10, "fee", task.id, 1, -1400)))
    assert [line.fee_entry_no for line in make.draws(session, task)] == [10, 11]
    page = queries.one(session, 1, viewer=kesha.id, at=task.completed_at or task.created_at)
    assert (page.task.reward_state, page.task.fee, page.task.reward) == ("booked", -1400, 3200)
    assert queries.pending_count(session, kesha.id) == 0


def test_five_hundred_entries_are_a_handful_of_statements(session: Session) -> None:
    polly = make.assignee(session)
    tasks = [make.task(session, polly) for _ in range(100)]
    entries = [make.entry(no, "fee", task.id, 1, -1000) for no, task in enumerate(tasks, 1)]
    entries += [make.entry(no, "reward", task.id, 0, 2000) for no, task in enumerate(tasks, 101)]
    prices = make.priced(*((task.id, 1000, 2000) for task in tasks))
    people = [make.registered(ids.new(), f"P{number}") for number in range(100)]
    heard = [prices, make.posted(*entries), *people]
    assert statements(session, lambda: make.hear(session, *heard)) <= 6


# --- deactivation (R10) ---------------------------------------------------------------------------


def test_deactivation_redraws_open_tasks_at_once_with_their_fees(
    session: Session, said: list[Any]
) -> None:
    kesha = make.assignee(session, "Kesha")
    done, left, other = (make.task(session, kesha) for _ in range(3))
    service.complete_task(session, done.number, by=kesha.id)
    gosha = make.assignee(session, "Gosha")
    said.clear()
    make.hear(session, make.changed(kesha.id, 2, name="Kesha", active=False))
    assert {(e.task_id, e.number, e.assignee_id, e.key_version) for e in said} == {
        (left.id, 2, gosha.id, 3),
        (other.id, 2, gosha.id, 3),
    }
    assert all(isinstance(event, TaskAssigned) for event in said)
    assert all(meta_of(event).causation_id is not None for event in said)
    assert [task.assignee_id for task in make.all_tasks(session)] == [kesha.id, gosha.id, gosha.id]
    assert [line.reason for line in make.draws(session, left)] == [Reason.CREATED, Reason.LEFT]


def test_the_same_word_again_redraws_nothing_again(session: Session, said: list[Any]) -> None:
    kesha, _ = make.assignee(session, "Kesha"), make.assignee(session, "Gosha")
    make.task(session, kesha)
    event = make.changed(kesha.id, 2, active=False)
    make.hear(session, event)
    make.hear(session, make.changed(kesha.id, 2, active=False))
    make.hear(session, make.changed(kesha.id, 3, active=False))
    assert len(said) == 1


def test_with_nobody_left_tasks_stay_stranded_until_somebody_can_be_drawn(
    session: Session, said: list[Any]
) -> None:
    kesha = make.assignee(session, "Kesha")
    task = make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, name="Kesha", active=False))
    assert said == []
    page = queries.one(session, task.number, viewer=ids.new(), at=task.created_at)
    assert page.stranded
    assert queries.ask(session).stranded == 1
    make.hear(session, make.registered(ids.new(), "Margo", Role.MANAGER))
    assert said == []
    gosha = ids.new()
    make.hear(session, make.registered(gosha, "Gosha"))
    assert [(event.number, event.assignee_id) for event in said] == [(2, gosha)]
    assert not queries.one(session, task.number, viewer=gosha, at=task.created_at).stranded


def test_a_manager_who_is_demoted_ends_the_waiting_too(session: Session, said: list[Any]) -> None:
    kesha, margo = make.assignee(session, "Kesha"), make.assignee(session, "Margo", Role.MANAGER)
    make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, active=False))
    make.hear(session, make.changed(margo.id, 2, role=Role.EMPLOYEE))
    assert [event.assignee_id for event in said] == [margo.id]


def test_who_comes_back_before_anybody_else_keeps_the_tasks(
    session: Session, said: list[Any]
) -> None:
    kesha = make.assignee(session, "Kesha")
    make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, active=False))
    make.hear(session, make.changed(kesha.id, 3, active=True))
    assert said == []
    assert make.all_tasks(session)[0].assignee_id == kesha.id


def test_a_shuffle_takes_stranded_tasks_along(session: Session) -> None:
    kesha = make.assignee(session, "Kesha")
    make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, active=False))
    gosha = make.assignee(session, "Gosha")
    service.shuffle_open_tasks(session, by=ids.new())
    assert make.all_tasks(session)[0].assignee_id == gosha.id


def test_redrawing_many_tasks_takes_a_handful_of_statements(session: Session) -> None:
    kesha, _ = make.assignee(session, "Kesha"), make.assignee(session, "Gosha")
    for _ in range(50):
        make.task(session, kesha)
    event = make.changed(kesha.id, 2, active=False)
    assert statements(session, lambda: make.hear(session, event)) <= 8


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_any_order_and_any_batches_teach_the_same(
    session: Session, order: list[int], cut: int
) -> None:
    with session.begin_nested() as attempt:
        polly = make.assignee(session)
        task = service.create_task(session, Wording("Feed"), by=polly.id)
        person = ids.new()
        facts = [
            make.priced((task.id, 1000, 2000)),
            make.posted(make.entry(1, "fee", task.id, 1)),
            make.posted(make.entry(2, "reward", task.id)),
            make.registered(person, "One", Role.MANAGER),
            make.changed(person, 2, name="Two", role=Role.MANAGER),
            make.changed(person, 3, name="Three", role=Role.MANAGER),
        ]
        chosen = [facts[index] for index in order]
        make.hear(session, *chosen[:cut])
        make.hear(session, *chosen[cut:])
        now = make.all_tasks(session)[-1]
        assert (now.fee_cents, now.worth_cents, now.reward_entry_no) == (1000, 2000, 2)
        assert make.draws(session, now)[0].fee_entry_no == 1
        assert picture(session, person)[0] == "Three"
        attempt.rollback()
