"""The tasks of a company that is made by bulk: each is written once, when done or at the end."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import update

from ates.contracts.auth import DRAWN_ROLES
from ates.contracts.chronicle import Chronicle, Fact, Job, Press, moment_text
from ates.kernel.bulk import Loader, Row, Scribe
from ates.tasks import titles
from ates.tasks.models import Assignee, Assignment, Head, Run, Task, Word

ASSIGNEE = ("id", "name", "name_key", "role", "active", "eligible", "version", "seen_at")
TASK = (
    "id", "number", "title", "jira_id", "status", "assignee_id", "assignment", "assigned_at",
    "created_by", "created_at", "completed_at", "completed_by", "fee_cents", "reward_cents",
    "priced_at", "reward_entry_no", "worth_cents", "said",
)  # fmt: skip
ASSIGNMENT = (
    "task_id", "number", "assignee_id", "previous_id", "at", "reason", "run", "fee_entry_no",
)  # fmt: skip
RUN = (
    "number", "id", "pressed_by", "pressed_at", "done_at", "tasks", "drawn",
    "people", "moved", "fees_cents", "unpriced", "least", "median", "most",
)  # fmt: skip


class Clerk(Scribe):
    """Writes tasks, their assignments and words, and the runs."""

    def __init__(self, loader: Loader, chronicle: Chronicle) -> None:
        self.loader, self.chronicle = loader, chronicle
        self.people = [str(each.id) for each in chronicle.people]
        self.tasks = 0

    def begin(self) -> None:
        rows = [
            (
                str(each.id),
                each.name,
                titles.folded(each.name),
                str(each.role),
                True,
                each.role in DRAWN_ROLES,
                1,
                moment_text(each.said_at),
            )
            for each in self.chronicle.people
        ]
        self.loader.load(Assignee, ASSIGNEE, rows)

    def write(self, facts: Sequence[Fact]) -> None:
        self.loader.load(Run, RUN, [_run(each) for each in facts if isinstance(each, Press)])
        self._keep([each for each in facts if isinstance(each, Job)])

    def end(self) -> None:
        self._keep(self.chronicle.open)
        for name, last in (("task", self.tasks), ("run", self.chronicle.presses)):
            self.loader.session.execute(update(Head).where(Head.name == name).values(last=last))

    def _keep(self, jobs: Sequence[Job]) -> None:
        """These tasks as they are now, with all their history."""
        draws: list[Row] = []
        for job in jobs:
            previous = None
            for draw in job.draws:
                person = self.people[draw.person]
                reason = "created" if draw.run is None else "shuffle"
                at = moment_text(draw.at)
                fact = (job.id, draw.number, person, previous, at, reason, draw.run, draw.entry_no)
                draws.append(fact)
                previous = person
        tasks = [self._task(job) for job in jobs]
        self.loader.load(Task, TASK, tasks)
        self.loader.load(Assignment, ASSIGNMENT, draws)
        words = [(word, job.id) for job in jobs for word in _words(job.title)]
        self.loader.load(Word, ("word", "task_id"), words)
        self.tasks += len(jobs)
        self.said += sum(task[-1] for task in tasks)

    def _task(self, job: Job) -> Row:
        last, done = job.draws[-1], job.done_at is not None
        holder = self.people[last.person]
        return (
            job.id,
            job.number,
            job.title,
            job.jira_id,
            "done" if done else "open",
            holder,
            last.number,
            moment_text(last.at),
            job.created_by,
            moment_text(job.at),
            moment_text(job.done_at) if job.done_at is not None else None,
            holder if done else None,
            job.fee_cents,
            job.reward_cents,
            moment_text(job.priced_at),
            job.reward_entry_no,
            job.reward_cents,
            1 + last.number + done,  # created, each assignment, completed
        )


def _run(press: Press) -> Row:
    at = moment_text(press.at)
    return (
        press.number,
        press.id,
        press.pressed_by,
        at,
        at,
        press.tasks,
        press.tasks,
        press.people,
        press.moved,
        press.fees_cents,
        0,
        press.least,
        press.median,
        press.most,
    )


@lru_cache(maxsize=4096)
def _words(title: str) -> Sequence[str]:
    """There are fewer titles than tasks."""
    return titles.words(title)
