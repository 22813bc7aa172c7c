"""Any sequence of acts keeps the promises of tasks (R5–R10, I3, I9, I10)."""

from typing import Any
from uuid import UUID

from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from ates.contracts.auth import DRAWN_ROLES, Role
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated
from ates.kernel import bus, ids
from ates.kernel.db import Database
from ates.kernel.errors import Conflict, Forbidden
from ates.tasks import service
from ates.tasks.models import Status
from ates.tasks.titles import Wording
from tests.engines.marks import both
from tests.tasks import make


class Machine(RuleBasedStateMachine):
    """People and tasks in one transaction, with a plain model beside them."""

    database: Database
    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.session: Session = self.database.session("write")
        self.session.begin()
        self.said: list[Any] = []
        self.roles: dict[UUID, tuple[Role, bool, int]] = {}
        self.done: dict[UUID, UUID] = {}
        self.presser = ids.new()
        bus.published.connect(self._listen, weak=False)

    def _listen(self, sender: type[Any], *, session: Session, events: list[Any]) -> None:
        self.said += events

    def teardown(self) -> None:
        bus.published.disconnect(self._listen)
        self.session.rollback()
        self.session.close()

    @property
    def lot(self) -> set[UUID]:
        return {
            who for who, (role, active, _) in self.roles.items() if active and role in DRAWN_ROLES
        }

    @initialize(target=people)
    def first_person(self) -> UUID:
        return self._register(Role.EMPLOYEE)

    @rule(target=people, role=st.sampled_from(Role))
    def register(self, role: Role) -> UUID:
        return self._register(role)

    def _register(self, role: Role) -> UUID:
        person = ids.new()
        self.roles[person] = (role, True, 1)
        make.hear(self.session, make.registered(person, "Popug", role))
        return person

    @rule(person=people, role=st.sampled_from(Role), active=st.booleans())
    def change(self, person: UUID, role: Role, active: bool) -> None:
        version = self.roles[person][2] + 1
        self.roles[person] = (role, active, version)
        make.hear(self.session, make.changed(person, version, role=role, active=active))

    @rule(author=people)
    def create(self, author: UUID) -> None:
        try:
            task = service.create_task(self.session, Wording("Feed"), by=author)
        except Conflict:
            assert not self.lot
        else:
            assert task.assignee_id in self.lot

    @rule(person=people, data=st.data())
    def complete(self, person: UUID, data: st.DataObject) -> None:
        tasks = make.all_tasks(self.session)
        if not tasks:
            return
        task = data.draw(st.sampled_from(tasks))
        may = task.assignee_id == person
        was = [line.assignee_id for line in make.draws(self.session, task)]
        try:
            service.complete_task(self.session, task.number, by=person)
        except Forbidden:
            assert person not in was
        except Conflict:
            assert person in was
            assert not may
        else:
            assert may
            self.done.setdefault(task.id, person)

    @rule()
    def shuffle(self) -> None:
        try:
            with self.session.begin_nested():
                run = service.shuffle_open_tasks(self.session, by=self.presser)
        except Conflict:
            assert not self.lot
        else:
            for task in make.all_tasks(self.session):
                last = make.draws(self.session, task)[-1]
                assert task.status == Status.DONE or (last.run == run.number)
                assert task.status == Status.DONE or task.assignee_id in self.lot

    @invariant()
    def an_open_task_has_one_assignee_who_is_known(self) -> None:
        for task in make.all_tasks(self.session):
            assert task.assignee_id in self.roles
            if task.status == Status.OPEN and self.lot:
                assert self.roles[task.assignee_id][1], "held by somebody who left"

    @invariant()
    def each_task_says_1_to_n_and_the_fees_are_its_assignments(self) -> None:
        for task in make.all_tasks(self.session):
            mine = [event for event in self.said if event.task_id == task.id]
            assert [event.key_version for event in mine] == list(range(1, task.said + 1))
            assert isinstance(mine[0], TaskCreated)
            fees = [(e.number, e.assignee_id) for e in mine if isinstance(e, TaskAssigned)]
            rows = [(each.number, each.assignee_id) for each in make.draws(self.session, task)]
            assert fees == rows
            assert rows[-1] == (task.assignment, task.assignee_id)

    @invariant()
    def nothing_leaves_done_and_each_is_rewarded_once(self) -> None:
        rewarded = [e for e in self.said if isinstance(e, TaskCompleted)]
        assert {event.task_id: event.assignee_id for event in rewarded} == self.done
        assert len(rewarded) == len(self.done)
        for task in make.all_tasks(self.session):
            assert (task.status == Status.DONE) == (task.id in self.done)
            assert task.completed_by == self.done.get(task.id)

    @invariant()
    def numbers_are_dense(self) -> None:
        numbers = [task.number for task in make.all_tasks(self.session)]
        assert numbers == list(range(1, len(numbers) + 1))


@both
def test_any_sequence_of_acts_keeps_the_promises(app: Flask, database: Database) -> None:
    machine = type("Machine", (Machine,), {"database": database})
    with app.app_context():
        run_state_machine_as_test(machine, settings=settings(stateful_step_count=20))
