"""The JSON endpoints of tasks: the same acts and reads as the pages, by id."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from ates.kernel.db import reading
from ates.tasks import queries, service, titles
from ates.tasks.queries import Filter, Line, Name, RunRow, Whole
from ates.web.access import EVERYBODY, SHUFFLERS, allow
from ates.web.api import (
    Answer,
    Api,
    Count,
    Cursor,
    Instant,
    Listed,
    Me,
    Page,
    Somebody,
    example,
    line,
    once,
    person_of,
)
from ates.web.identity import me

api = Api("tasks")

Number = Annotated[int, example(1241)]
BY_NUMBER = Cursor(int)


def typed(value: str, **schema: Any) -> Meta:
    """Text that `titles` judges, with its sentences; the description tells the same rules."""
    return Meta(examples=[value], extra_json_schema={"type": "string", **schema})


class Task(Struct):
    """A task. Its price is drawn once, soon after it is created, and never changes."""

    id: UUID
    number: Number
    title: Annotated[str, example("Count the parrots on the roof")]
    jira_id: Annotated[str, example("POPUG-951")] | None
    description: Annotated[str, example("On the roof of the eastern cage.")] | None
    status: Literal["open", "done"]
    assignee: Somebody
    assignment: Annotated[
        int, Meta(ge=1, examples=[2], description="How often it was drawn: 1 at creation.")
    ]
    created_by: Somebody
    created_at: Instant
    completed_at: Instant | None
    fee_cents: Annotated[int, example(1400, "A positive price; null until it is set.")] | None
    reward_cents: Annotated[int, example(3200, "A positive price; null until it is set.")] | None
    reward_state: Annotated[
        Literal["none", "pending", "booked"],
        Meta(description="`none` while it is open; then on its way, then in the account."),
    ]


class HistoryLine(Struct):
    """What happened to a task. `run` is the number of the shuffle that drew it again."""

    at: Instant
    what: Literal["created", "assigned", "completed"]
    by: Somebody | None
    assignee: Somebody | None
    assignment: Annotated[int, example(2)] | None
    run: Annotated[int, example(78)] | None


class Run(Struct):
    """One press of shuffle: how many open tasks there were, how many went to somebody else."""

    id: UUID
    number: Annotated[int, example(78)]
    state: Literal["running", "done"]
    tasks: Count
    people: Count
    moved: Count
    fees_cents: (
        Annotated[int, Meta(ge=0, examples=[1872000], description="A positive sum; null at first.")]
        | None
    )
    pressed_by: Somebody
    pressed_at: Instant
    done_at: Instant | None


class NewTask(Struct, forbid_unknown_fields=True):
    """What a task needs. The Jira id has its own field: a title may not begin with it."""

    title: Annotated[
        str,
        typed(
            "Count the parrots on the roof",
            minLength=1,
            maxLength=titles.TITLE_LENGTH,
            pattern=titles.TITLE_PATTERN,
        ),
    ]
    jira_id: Annotated[str, typed("POPUG-951", pattern=titles.JIRA_PATTERN)] | None = None
    description: (
        Annotated[
            str,
            typed(
                "On the roof of the eastern cage.",
                maxLength=titles.DESCRIPTION_LENGTH,
                pattern=titles.DESCRIPTION_PATTERN,
            ),
        ]
        | None
    ) = None


class Tasks(Page):
    """`status`, `assignee` (`me` or an id) and `q`: a number, a Jira id or words of the title."""

    status: Literal["open", "done"] | None = None
    assignee: Me | None = None
    q: Annotated[str, line(100, "parrots")] | None = None


# --- tasks ----------------------------------------------------------------------------------------


@api.acts("", {201: Task}, body=NewTask)
@allow(EVERYBODY)
def create(body: NewTask) -> Answer:
    """Create a task and give it to somebody drawn by lot.

    409 when there is nobody to give it to.
    """
    wording = titles.checked(body.title, body.jira_id or "", body.description or "")

    def do(session: Session) -> Answer:
        made = service.create_task(session, wording, by=me().id)
        shown = _task(queries.whole(session, made.id))
        return Answer(shown, 201, f"/api/v1/tasks/{made.id}")

    return once("tasks", do)


@api.lists("", Task, query=Tasks)
@allow(EVERYBODY)
def tasks(query: Tasks) -> Listed[Task]:
    """All tasks, newest first."""
    place = BY_NUMBER.read(query.after)
    person = query.assignee and person_of(query.assignee, me().id)
    wanted = Filter(
        q=query.q or "",
        status=query.status or "",
        assignees=[person] if isinstance(person, UUID) else None,
    )
    with reading("tasks") as session:
        found = queries.wholes(
            session, wanted, before=place[0] if place else None, limit=query.limit + 1
        )
        return BY_NUMBER.listed(found, query.limit, lambda each: (each.task.number,), _task)


@api.reads("/<uuid:id>", Task)
@allow(EVERYBODY)
def task(id: UUID) -> Task:
    """One task."""
    with reading("tasks") as session:
        return _task(queries.whole(session, id))


@api.lists("/<uuid:id>/history", HistoryLine, query=Page)
@allow(EVERYBODY)
def history(id: UUID, query: Page) -> Listed[HistoryLine]:
    """What happened to a task, oldest first."""
    place = BY_NUMBER.read(query.after)
    with reading("tasks") as session:
        found = queries.lines(session, id, behind=place[0] if place else -1, limit=query.limit + 1)
    return BY_NUMBER.listed(found, query.limit, lambda line: (line.place,), _line)


@api.acts("/<uuid:id>/complete", {200: Task})
@allow(EVERYBODY)
def complete(id: UUID) -> Answer:
    """Mark a task done, as its assignee. Done is final; once more is harmless.

    403 for a task that was never yours, 409 for one that was taken away or done by another.
    """

    def do(session: Session) -> Answer:
        number = queries.whole(session, id).task.number
        service.complete_task(session, number, by=me().id)
        return Answer(_task(queries.whole(session, id)))

    return once("tasks", do)


# --- shuffles -------------------------------------------------------------------------------------


@api.acts("/shuffles", {201: Run, 202: Run})
@allow(SHUFFLERS)
def shuffle() -> Answer:
    """Draw every open task again.

    201 when all are drawn, 202 when the run is large or waits for another one and goes on by
    itself; look at its `state`. 409 with nobody to draw, 503 with too many runs waiting.
    """

    def do(session: Session) -> Answer:
        made = service.shuffle_open_tasks(session, by=me().id)
        status = 202 if made.done_at is None else 201
        shown = _run(queries.run_of(session, made.id))
        return Answer(shown, status, f"/api/v1/tasks/shuffles/{made.id}")

    return once("tasks", do)


@api.lists("/shuffles", Run, query=Page)
@allow(SHUFFLERS)
def shuffles(query: Page) -> Listed[Run]:
    """All runs, newest first."""
    place = BY_NUMBER.read(query.after)
    with reading("tasks") as session:
        found = queries.last_runs(
            session, before=place[0] if place else None, limit=query.limit + 1
        )
    return BY_NUMBER.listed(found, query.limit, lambda run: (run.number,), _run)


@api.reads("/shuffles/<uuid:id>", Run)
@allow(SHUFFLERS)
def run(id: UUID) -> Run:
    """One run."""
    with reading("tasks") as session:
        return _run(queries.run_of(session, id))


# --- rows -----------------------------------------------------------------------------------------


def _task(found: Whole) -> Task:
    row = found.task
    return Task(
        id=row.id,
        number=row.number,
        title=row.title,
        jira_id=row.jira_id,
        description=row.description,
        status="open" if row.completed_at is None else "done",
        assignee=Somebody(*found.assignee),
        assignment=row.assignment,
        created_by=Somebody(*found.created_by),
        created_at=row.created_at,
        completed_at=row.completed_at,
        fee_cents=row.fee_cents,
        reward_cents=row.reward_cents,
        reward_state=found.reward_state,
    )


def _line(line: Line) -> HistoryLine:
    return HistoryLine(
        at=line.at,
        what=line.what,
        by=_somebody(line.by),
        assignee=_somebody(line.assignee),
        assignment=line.assignment,
        run=line.run,
    )


def _run(found: RunRow) -> Run:
    return Run(
        id=found.id,
        number=found.number,
        state="running" if found.done_at is None else "done",
        tasks=found.tasks,
        people=found.people,
        moved=found.moved,
        fees_cents=None if found.done_at is None else found.fees,
        pressed_by=Somebody(found.pressed_by.id, found.pressed_by.known_name),
        pressed_at=found.pressed_at,
        done_at=found.done_at,
    )


def _somebody(name: Name | None) -> Somebody | None:
    return None if name is None else Somebody(*name)
