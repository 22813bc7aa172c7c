"""The tasks of the demonstration company."""

from sqlalchemy import select

from ates.kernel import ids
from ates.kernel.db import transaction
from ates.tasks import service
from ates.tasks.models import Assignee, Task
from ates.tasks.titles import Wording

TASKS = (
    Wording("Count the parrots on the roof", "POPUG-951"),
    Wording("Repair the lift in the eastern cage", "POPUG-952", "It stops at perch 3."),
    Wording("Order millet for the winter", "POPUG-960", "Two sacks of the small one."),
    Wording("Teach the chatbot to say “Polly”", "POPUG-961"),
    Wording("Oil the door of the aviary"),
    Wording("Find out who repeats everything in meetings", "POPUG-970"),
    Wording("Replace the mirror in the meeting room"),
    Wording("Wash the bath of the third floor", "POPUG-975"),
    Wording("Translate the manual into Cockatoo", "POPUG-980", "Page 12 may stay in Macaw."),
    Wording("Проверить жёрдочки в северной клетке", "POPUG-981"),
    Wording("Paint over the claw marks in the kitchen"),
    Wording("Plan the flight to Saint Petersburg", "POPUG-990"),
)


def demo() -> None:
    """A dozen tasks, created by people tasks has heard of; only where there is no task yet."""
    with transaction("tasks") as session:
        if session.scalar(select(Task.number).limit(1)) is not None:
            return
        authors = session.scalars(select(Assignee.id).where(Assignee.active)).all()
        for wording in TASKS:
            service.create_task(session, wording, by=ids.draw(authors))
