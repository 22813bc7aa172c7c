"""What people can do with tasks. Each function is one use case inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated, TaskRetitled
from ates.kernel import clock, ids
from ates.kernel.bus import publish, publish_all
from ates.kernel.errors import N_, Conflict, Forbidden, NotFound, Refusal
from ates.kernel.events import happened
from ates.tasks import drawing, shuffling, titles
from ates.tasks.models import Assignee, Assignment, Head, Reason, Run, Status, Task, Word
from ates.tasks.titles import Wording

UNKNOWN = "—"  # somebody auth has not told us of yet


def create_task(session: Session, wording: Wording, *, by: UUID) -> Task:
    """Write a task down and give it to somebody drawn by lot (R5, R6).

    Raises Conflict when there is nobody to give it to.
    """
    assignee = drawing.draw_one(session)
    number = _next(session, "task")
    at = clock.now()  # under the lock of the number: both run in the same order
    task = Task(
        id=ids.new(),
        number=number,
        title=wording.title,
        jira_id=wording.jira_id,
        description=wording.description,
        status=Status.OPEN,
        assignee_id=assignee,
        assignment=1,
        assigned_at=at,
        created_by=by,
        created_at=at,
        worth_cents=0,
        said=0,
    )
    session.add(task)
    events = [happened(at, each) for each in (_created(task), _first_assigned(task))]
    session.flush()
    session.add(
        Assignment(task_id=task.id, number=1, assignee_id=assignee, at=at, reason=Reason.CREATED)
    )
    _index(session, [task])
    publish_all(session, events)
    return task


def complete_task(session: Session, number: int, *, by: UUID) -> Task:
    """Mark task `number` done (R8). Idempotent for its assignee; done is final.

    Raises NotFound; Forbidden for a task that was never theirs; Conflict naming the new assignee
    for one that was taken away meanwhile, or who did it.
    """
    task = _locked(session, number)
    if task.is_done_by(by):
        return task
    if task.status == Status.DONE or task.assignee_id != by:
        raise _not_theirs(session, task, by)
    at = clock.now()
    task.complete(by, at)
    done = TaskCompleted(task_id=task.id, key_version=task.next_version(), assignee_id=by)
    publish(session, happened(at, done))
    return task


def shuffle_open_tasks(session: Session, *, by: UUID) -> Run:
    """Draw every open task again (R7): one numbered run, however often it is pressed.

    Presses serialise on the head row. Up to 20,000 tasks are drawn here and now; a larger run, and
    one that is pressed while such a run goes on, is written down and drawn by the worker. Tasks
    created after the press are not in the run; one that is completed before its draw stays done.
    The same person may be drawn again, and pays again. Raises Conflict with nobody in the lot,
    NotReady when too many runs wait.
    """
    return shuffling.press(session, _next(session, "run"), by)


def look_through(session: Session, *, by: UUID, at: datetime) -> None:
    """Remember that a person has seen everything that came until `at`; never back in time."""
    session.execute(
        update(Assignee).where(Assignee.id == by, Assignee.seen_at < at).values(seen_at=at)
    )


@dataclass(frozen=True)
class Step:
    """One batch of old titles: the last number in it, how many there were, how many changed."""

    last: int
    looked: int
    changed: int


def part_titles(session: Session, *, after: int, batch: int) -> Step | None:
    """Repair the next `batch` old rows with an id or brackets in the title (R9); None: no more."""
    numbers = session.scalars(
        select(Task.number).where(Task.number > after).order_by(Task.number).limit(batch)
    ).all()
    if not numbers:
        return None
    tasks = session.scalars(
        select(Task).where(Task.number.in_(numbers)).order_by(Task.id).with_for_update()
    ).all()
    changed = [task for task in tasks if _part(task)]
    events = [_retitled(task) for task in changed]
    publish_all(session, events)
    session.execute(delete(Word).where(Word.task_id.in_([task.id for task in changed])))
    _index(session, changed)
    return Step(numbers[-1], len(numbers), len(changed))


def _next(session: Session, name: str) -> int:
    """The next number; the row stays locked until the commit, so numbers are dense and in order."""
    raised = update(Head).where(Head.name == name).values(last=Head.last + 1)
    return session.execute(raised.returning(Head.last)).scalar_one()


def _created(task: Task) -> TaskCreated:
    return TaskCreated(
        task_id=task.id,
        key_version=task.next_version(),
        number=task.number,
        title=task.title,
        jira_id=task.jira_id,
        description=task.description,
        created_by=task.created_by,
    )


def _first_assigned(task: Task) -> TaskAssigned:
    return TaskAssigned(
        task_id=task.id,
        key_version=task.next_version(),
        number=task.assignment,
        assignee_id=task.assignee_id,
    )


def _part(task: Task) -> bool:
    """Split one old title in place; whether there was anything to split."""
    parted = titles.repaired(task.title, task.jira_id)
    if parted == (task.title, task.jira_id):
        return False
    task.title, task.jira_id = parted
    return True


def _retitled(task: Task) -> TaskRetitled:
    return TaskRetitled(
        task_id=task.id,
        key_version=task.next_version(),
        title=task.title,
        jira_id=task.jira_id,
    )


def _index(session: Session, tasks: Sequence[Task]) -> None:
    rows = [
        {"word": word, "task_id": task.id} for task in tasks for word in titles.words(task.title)
    ]
    if rows:
        session.execute(insert(Word), rows)


def _locked(session: Session, number: int) -> Task:
    task = session.scalars(
        select(Task)
        .where(Task.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if task is None:
        raise NotFound(N_("There is no task %(number)s."), number=str(number))
    return task


def _not_theirs(session: Session, task: Task, person: UUID) -> Refusal:
    """Why this person cannot complete it: never theirs, done by another, or taken away."""
    lost = session.execute(
        select(Assignment.at, Assignment.reason, Assignee.name)
        .outerjoin(Run, Run.number == Assignment.run)
        .outerjoin(Assignee, Assignee.id == Run.pressed_by)
        .where(
            Assignment.task_id == task.id,
            Assignment.previous_id == person,
            Assignment.assignee_id != person,
        )
        .order_by(Assignment.number.desc())
        .limit(1)
    ).first()
    holder = session.scalar(select(Assignee.name).where(Assignee.id == task.assignee_id)) or UNKNOWN
    if lost is None:
        return Forbidden(
            N_("Only its assignee marks a task done. Assignee now: %(name)s."), name=holder
        )
    if task.status == Status.DONE:
        return Conflict(
            N_("Already done at %(time)s. Assignee: %(name)s."), time=task.completed_at, name=holder
        )
    if lost.reason == Reason.SHUFFLE:
        return Conflict(
            N_("Shuffled by %(who)s at %(time)s. Assignee now: %(name)s."),
            who=lost.name or UNKNOWN,
            time=lost.at,
            name=holder,
        )
    return Conflict(
        N_("Drawn again at %(time)s. Assignee now: %(name)s."), time=lost.at, name=holder
    )
