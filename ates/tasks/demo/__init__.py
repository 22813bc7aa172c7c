"""What the demonstration company does with tasks: creates, shuffles, finishes them for ten days."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.kernel import clock, ids
from ates.kernel.db import transaction
from ates.kernel.stage import CLOSES, OPENS, Scene, Stage, acting
from ates.tasks import service
from ates.tasks.demo.words import Words
from ates.tasks.models import Assignee, Status, Task
from ates.tasks.titles import Wording

CREATED = (38, 34, 36, 33, 37, 35, 38, 34, 36, 48)  # a day, the last one is today
FINISHED = (18, 32, 37, 33, 38, 35, 38, 34, 37, 47)
SHUFFLES = ((1, 15.02), (4, 11.51), (4, 16.83), (7, 14.26), (9, 10.74))  # day, hour
READY = timedelta(minutes=40)  # nothing is finished sooner

# How eager they are; some avoid work altogether, which is how one gets below zero.
EAGER = {
    **{"Kesha": 1.0, "Polly": 6.0, "Rio": 3.0, "Анна": 5.0, "Борис": 4.0},
    **{"Gosha": 0.1, "Nigel": 0.0, "Oscar": 0.2, "Степан": 0.2},
}
MOODS = (0.8, 1.0, 1.0, 1.5, 2.0)


def demo(stage: Stage) -> Iterator[Scene]:
    """Ten days of work. Today more is begun than finished, so that there is something to do."""
    crowd, words = Crowd(), Words()
    yield Scene(stage.at(0, OPENS), lambda: None, heard=True)  # who was hired is in the lot
    for day, (created, finished) in enumerate(zip(CREATED, FINISHED, strict=True)):
        for hour in _hours(created, OPENS):
            yield Scene(stage.at(day, hour), partial(crowd.create, words.next()))
        for hour in _hours(finished, OPENS + 1):
            yield Scene(stage.at(day, hour), crowd.finish)
    for day, hour in SHUFFLES:
        yield Scene(stage.at(day, hour), crowd.shuffle, heard=True)
    yield Scene(stage.at(stage.last, 10.2), crowd.look_through)


def _hours(count: int, first: float) -> list[float]:
    return sorted(ids.between(first, CLOSES) for _ in range(count))


class Crowd:
    """The people tasks has heard of, and how eager each of them is."""

    def __init__(self) -> None:
        self.eager: dict[UUID, float] = {}

    def create(self, wording: Wording) -> None:
        """Anybody writes a task down."""
        with transaction("tasks") as session:
            by = ids.draw(_active(session))
            with acting(by):
                service.create_task(session, wording, by=by)

    def finish(self) -> None:
        """Somebody finishes a task that is old enough, the eager ones more often."""
        with transaction("tasks") as session:
            ready = session.execute(
                select(Task.number, Task.assignee_id, Assignee.name)
                .join(Assignee, Assignee.id == Task.assignee_id)
                .where(Task.status == Status.OPEN, Task.assigned_at < clock.now() - READY)
                .order_by(Task.number)
            ).all()
            weights = [self._eagerness(row.assignee_id, row.name) for row in ready]
            if sum(weights):
                number, by, _ = ready[_weighted(weights)]
                with acting(by):
                    service.complete_task(session, number, by=by)

    def shuffle(self) -> None:
        """A manager presses the button."""
        with transaction("tasks") as session:
            managers = session.scalars(
                select(Assignee.id)
                .where(Assignee.active, Assignee.role == "manager")
                .order_by(Assignee.id)
            ).all()
            by = ids.draw(managers)
            with acting(by):
                service.shuffle_open_tasks(session, by=by)

    def look_through(self) -> None:
        """Everybody has seen what came until now; what comes later is new to them."""
        with transaction("tasks") as session:
            for person in _active(session):
                service.look_through(session, by=person, at=clock.now())

    def _eagerness(self, person: UUID, name: str) -> float:
        if person not in self.eager:
            self.eager[person] = EAGER.get(name.split()[0], ids.draw(MOODS))
        return self.eager[person]


def _active(session: Session) -> list[UUID]:
    found = select(Assignee.id).where(Assignee.active).order_by(Assignee.id)
    return list(session.scalars(found))


def _weighted(weights: list[float]) -> int:
    """The number of one of them, drawn with these weights."""
    left = ids.between(0, sum(weights))
    for number, weight in enumerate(weights):
        left -= weight
        if left <= 0 and weight:
            return number
    return max(number for number, weight in enumerate(weights) if weight)
