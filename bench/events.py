"""A believable stream of events: people, tasks, shuffles, completions, in the order of a day."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from ates.contracts.auth import PersonChanged, PersonRegistered, Role
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated
from ates.kernel import clock, ids
from ates.kernel.db import Database
from ates.kernel.events import contract_of, key_of
from ates.kernel.tables import OWN, OWN_LOG, event_log, log_head

TITLES = (
    "feed the parrot",
    "repaint the perch in the hall",
    "count the seeds of the third warehouse",
    "почистить клетку",
    "answer the letters about the missing cuttlebone",
)
AT_ONCE = 5_000


class Day:
    """Draws what happens next: half of it are second assignments, as shuffles make them."""

    def __init__(self, people: int, seed: int = 7) -> None:
        self.chance = random.Random(seed)
        self.people = [ids.new() for _ in range(people)]
        self.said: dict[UUID, int] = {}
        self.open: list[UUID] = []
        self.drawn: dict[UUID, tuple[int, UUID]] = {}
        self.tasks = 0

    def events(self, many: int) -> Iterator[Any]:
        """`many` events: everybody first, then tasks."""
        told = 0
        for number, person in enumerate(self.people):
            yield self._person(PersonRegistered, number, person)
            told += 1
        while told < many:
            for event in self._next():
                yield event
                told += 1

    def _next(self) -> Sequence[Any]:
        drawn = self.chance.random()
        if len(self.open) < 20 or drawn < 0.30:
            return self._create()
        if drawn < 0.305:
            number = self.chance.randrange(len(self.people))
            return [self._person(PersonChanged, number, self.people[number])]
        if drawn < 0.52:
            return [self._complete()]
        return [self._assign(self.chance.choice(self.open))]

    def _create(self) -> Sequence[Any]:
        task = ids.new()
        self.tasks += 1
        self.open.append(task)
        created = TaskCreated(
            task_id=task,
            key_version=self._count(task),
            number=self.tasks,
            title=self.chance.choice(TITLES),
            jira_id=f"POPUG-{self.tasks}" if self.tasks % 3 == 0 else None,
            description=None,
            created_by=self.people[0],
        )
        return [created, self._assign(task)]

    def _assign(self, task: UUID) -> TaskAssigned:
        number = self.drawn.get(task, (0, task))[0] + 1
        person = self.chance.choice(self.people)
        self.drawn[task] = number, person
        return TaskAssigned(
            task_id=task, key_version=self._count(task), number=number, assignee_id=person
        )

    def _complete(self) -> TaskCompleted:
        task = self.open.pop(self.chance.randrange(len(self.open)))
        return TaskCompleted(
            task_id=task, key_version=self._count(task), assignee_id=self.drawn[task][1]
        )

    def _person(self, cls: type[Any], number: int, person: UUID) -> Any:
        return cls(
            person_id=person,
            key_version=self._count(person),
            email=f"popug{number}@popug.example",
            name=f"Popug {number}",
            role=Role.EMPLOYEE,
            trade=None,
            locale="en",
            active=True,
            epoch=1,
        )

    def _count(self, key: UUID) -> int:
        self.said[key] = self.said.get(key, 0) + 1
        return self.said[key]


def fill_log(database: Database, events: Sequence[Any]) -> None:
    """Write events as if they had been published and numbered over the last hours."""
    step = timedelta(hours=4) / len(events)
    begin = clock.now() - timedelta(hours=4)
    rows = [_row(event, place, begin + step * place) for place, event in enumerate(events, 1)]
    for first in range(0, len(rows), AT_ONCE):
        with database.transaction() as session:
            session.execute(insert(event_log), rows[first : first + AT_ONCE])
            session.execute(update(log_head).where(OWN).values(position=first + AT_ONCE))
    with database.transaction() as session:
        session.execute(update(log_head).where(OWN).values(position=len(rows)))


def _row(event: Any, position: int, at: datetime) -> dict[str, Any]:
    contract = contract_of(type(event))
    return {
        "log": OWN_LOG,
        "position": position,
        "event_id": ids.new(),
        "source": contract.source,
        "type": contract.type,
        "version": contract.version,
        "key": key_of(event),
        "key_version": event.key_version,
        "occurred_at": at,
        "data": contract.encode(event).decode(),
        "meta": '{"actorid": "0190a3c4-0000-7000-8000-000000000001", '
        '"correlationid": "0190a3c4-0000-7000-8000-000000000002"}',
        "recorded_at": at,
    }
