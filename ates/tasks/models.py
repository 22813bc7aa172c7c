"""The tables of tasks, and the rules a single row can keep by itself."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.kernel import db
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

# Prefixes are searched by ranges, which need the order of code points on both databases.
Plain = Text().with_variant(Text(collation="C"), "postgresql")


class Base(DeclarativeBase):
    metadata = db.metadata()


class Status(StrEnum):
    """Open or done, nothing else (R5); done is final (R8)."""

    OPEN = "open"
    DONE = "done"


class Reason(StrEnum):
    """Why a task got an assignee."""

    CREATED = "created"
    SHUFFLE = "shuffle"
    LEFT = "left"  # its assignee was deactivated (R10)


class Task(db.Aggregate, Base):
    """A task. It always has an assignee (R5), and completes once (R8)."""

    __tablename__ = "tasks_task"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, unique=True)  # for people: 1, 2, 3 …
    title: Mapped[str] = mapped_column(Text)
    jira_id: Mapped[str | None] = mapped_column(Plain)
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[Status] = mapped_column(Text, default=Status.OPEN)
    assignee_id: Mapped[UUID] = mapped_column(Id)
    assignment: Mapped[int] = mapped_column(BigInt, default=1)  # +1 with each redraw
    assigned_at: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[UUID] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_by: Mapped[UUID | None] = mapped_column(Id)
    # What accounting told: nothing until priced, nothing until booked.
    fee_cents: Mapped[int | None] = mapped_column(BigInt)
    reward_cents: Mapped[int | None] = mapped_column(BigInt)
    priced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reward_entry_no: Mapped[int | None] = mapped_column(BigInt)
    # The reward once priced, else 0: NULLs sort differently on the two databases.
    worth_cents: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("status IN ('open', 'done')", name="status"),
        CheckConstraint("(status = 'done') = (completed_at IS NOT NULL)", name="completed_at"),
        CheckConstraint("(status = 'done') = (completed_by IS NOT NULL)", name="completed_by"),
        CheckConstraint("(fee_cents IS NULL) = (reward_cents IS NULL)", name="priced"),
        CheckConstraint("assignment > 0 AND said > 0", name="counts"),
        Index("ix_tasks_task_status", "status", "number"),
        Index("ix_tasks_task_worth", "worth_cents", "number"),
        Index("ix_tasks_task_created", "created_at", "number"),
        Index("ix_tasks_task_jira", "jira_id", "number"),
        Index("ix_tasks_task_assignee", "assignee_id", "number"),
        Index("ix_tasks_task_holder", "assignee_id", "status", "assigned_at", "number"),
        Index("ix_tasks_task_completed", "completed_by", "completed_at", "number"),
        Index(
            "ix_tasks_task_done",
            "completed_at",
            sqlite_where=text("completed_at IS NOT NULL"),
            postgresql_where=text("completed_at IS NOT NULL"),
        ),
        Index(
            "ix_tasks_task_unbooked",
            "completed_by",
            sqlite_where=text("status = 'done' AND reward_entry_no IS NULL"),
            postgresql_where=text("status = 'done' AND reward_entry_no IS NULL"),
        ),
        db.STRICT,
    )

    def is_done_by(self, person: UUID) -> bool:
        return self.status == Status.DONE and self.completed_by == person

    def complete(self, by: UUID, at: datetime) -> None:
        """Open to done, by its assignee, once."""
        assert self.status == Status.OPEN, "a task completes once"
        assert self.assignee_id == by, "only the assignee completes"
        self.status, self.completed_by, self.completed_at = Status.DONE, by, at


class Word(Base):
    """The words of titles, case-folded: what the search looks up, the same on both databases."""

    __tablename__ = "tasks_word"

    word: Mapped[str] = mapped_column(Plain, primary_key=True)
    task_id: Mapped[UUID] = mapped_column(Id, ForeignKey("tasks_task.id"), primary_key=True)

    __table_args__ = (Index("ix_tasks_word_of", "task_id", "word"), db.STRICT)


class Assignee(Base):
    """The local picture of a person, made of auth's events; managers and admins are in it too."""

    __tablename__ = "tasks_assignee"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Plain, index=True)  # case-folded, for the filter
    role: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Truth)
    eligible: Mapped[bool] = mapped_column(Truth)  # active and of a role in the lot (R6)
    version: Mapped[int] = mapped_column(BigInt)  # key_version of the newest event heard
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)  # own tasks looked through until then

    __table_args__ = (db.STRICT,)


class Assignment(Base):
    """One draw of one task: the history, and the fee that accounting booked for it."""

    __tablename__ = "tasks_assignment"

    task_id: Mapped[UUID] = mapped_column(Id, ForeignKey("tasks_task.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    assignee_id: Mapped[UUID] = mapped_column(Id)
    previous_id: Mapped[UUID | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    reason: Mapped[Reason] = mapped_column(Text)
    run: Mapped[int | None] = mapped_column(BigInt, ForeignKey("tasks_run.number"))
    fee_entry_no: Mapped[int | None] = mapped_column(BigInt)  # nothing until booked

    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("reason IN ('created', 'shuffle', 'left')", name="reason"),
        CheckConstraint("(reason = 'shuffle') = (run IS NOT NULL)", name="run"),
        CheckConstraint("(number = 1) = (previous_id IS NULL)", name="previous"),
        Index("ix_tasks_assignment_run", "run", "task_id"),
        Index("ix_tasks_assignment_came", "assignee_id", "at"),
        Index("ix_tasks_assignment_left", "previous_id", "at"),
        Index("ix_tasks_assignment_at", "at"),  # of a day; they come in this order, so it is cheap
        db.STRICT,
    )


class Run(Base):
    """One press of shuffle (R7)."""

    __tablename__ = "tasks_run"

    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(Id, unique=True)
    pressed_by: Mapped[UUID] = mapped_column(Id)
    pressed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Of a run in chunks: the last task when it was pressed, the last one looked at, the click.
    last_number: Mapped[int] = mapped_column(BigInt, server_default="0")
    mark: Mapped[int] = mapped_column(BigInt, server_default="0")
    correlation_id: Mapped[str | None] = mapped_column(Text)
    tasks: Mapped[int] = mapped_column(BigInt)  # open ones when it was pressed
    drawn: Mapped[int] = mapped_column(BigInt)  # the others were completed meanwhile
    people: Mapped[int] = mapped_column(BigInt)  # in the lot
    moved: Mapped[int] = mapped_column(BigInt)  # to another person
    fees_cents: Mapped[int] = mapped_column(BigInt)  # expected, of the tasks priced by then
    unpriced: Mapped[int] = mapped_column(BigInt)
    least: Mapped[int] = mapped_column(BigInt)  # tasks a person got
    median: Mapped[int] = mapped_column(BigInt)
    most: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (
        Index(
            "ix_tasks_run_undone",
            "number",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        db.STRICT,
    )


class Head(Base):
    """The last number given out: of a task and of a run. Its row lock makes numbers dense."""

    __tablename__ = "tasks_head"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    last: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (CheckConstraint("name IN ('task', 'run')", name="name"), db.STRICT)


class Request(RequestColumns, Base):
    """Keys of forms that were sent (kernel.once)."""

    __tablename__ = "tasks_request"
    __table_args__ = (db.STRICT,)
