"""The tables of tasks."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Prefixes are searched by ranges, which need the order of code points on both databases.
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables; the two heads begin at zero."""
    op.create_table(
        "tasks_assignee",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", PLAIN, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("active", Truth, nullable=False),
        sa.Column("eligible", Truth, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("seen_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks_assignee"),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_assignee_name_key", "tasks_assignee", ["name_key"])
    op.create_table(
        "tasks_head",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("last", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tasks_head"),
        sa.CheckConstraint("name IN ('task', 'run')", name=op.f("ck_tasks_head_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "tasks_request",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", BigInt),
        sa.Column("location", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name="pk_tasks_request"),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_request_made_at", "tasks_request", ["made_at"])
    op.create_table(
        "tasks_run",
        sa.Column("number", BigInt, nullable=False, autoincrement=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("pressed_by", Id, nullable=False),
        sa.Column("pressed_at", UTCDateTime, nullable=False),
        sa.Column("done_at", UTCDateTime),
        sa.Column("tasks", BigInt, nullable=False),
        sa.Column("drawn", BigInt, nullable=False),
        sa.Column("people", BigInt, nullable=False),
        sa.Column("moved", BigInt, nullable=False),
        sa.Column("fees_cents", BigInt, nullable=False),
        sa.Column("unpriced", BigInt, nullable=False),
        sa.Column("least", BigInt, nullable=False),
        sa.Column("median", BigInt, nullable=False),
        sa.Column("most", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_tasks_run"),
        sa.UniqueConstraint("id", name="uq_tasks_run_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "tasks_task",
        sa.Column("id", Id, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("jira_id", PLAIN),
        sa.Column("description", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("assignee_id", Id, nullable=False),
        sa.Column("assignment", BigInt, nullable=False),
        sa.Column("assigned_at", UTCDateTime, nullable=False),
        sa.Column("created_by", Id, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("completed_at", UTCDateTime),
        sa.Column("completed_by", Id),
        sa.Column("fee_cents", BigInt),
        sa.Column("reward_cents", BigInt),
        sa.Column("priced_at", UTCDateTime),
        sa.Column("reward_entry_no", BigInt),
        sa.Column("worth_cents", BigInt, nullable=False, server_default="0"),
        sa.Column("said", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks_task"),
        sa.CheckConstraint(
            "(status = 'done') = (completed_at IS NOT NULL)",
            name=op.f("ck_tasks_task_completed_at"),
        ),
        sa.CheckConstraint(
            "(status = 'done') = (completed_by IS NOT NULL)",
            name=op.f("ck_tasks_task_completed_by"),
        ),
        sa.CheckConstraint("assignment > 0 AND said > 0", name=op.f("ck_tasks_task_counts")),
        sa.CheckConstraint(
            "(fee_cents IS NULL) = (reward_cents IS NULL)", name=op.f("ck_tasks_task_priced")
        ),
        sa.CheckConstraint("status IN ('open', 'done')", name=op.f("ck_tasks_task_status")),
        sa.UniqueConstraint("number", name="uq_tasks_task_number"),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_task_assignee", "tasks_task", ["assignee_id", "number"])
    op.create_index(
        "ix_tasks_task_completed", "tasks_task", ["completed_by", "completed_at", "number"]
    )
    op.create_index("ix_tasks_task_created", "tasks_task", ["created_at", "number"])
    op.create_index(
        "ix_tasks_task_holder", "tasks_task", ["assignee_id", "status", "assigned_at", "number"]
    )
    op.create_index("ix_tasks_task_jira", "tasks_task", ["jira_id", "number"])
    op.create_index("ix_tasks_task_status", "tasks_task", ["status", "number"])
    op.create_index(
        "ix_tasks_task_unbooked",
        "tasks_task",
        ["completed_by"],
        sqlite_where=sa.text("status = 'done' AND reward_entry_no IS NULL"),
        postgresql_where=sa.text("status = 'done' AND reward_entry_no IS NULL"),
    )
    op.create_index("ix_tasks_task_worth", "tasks_task", ["worth_cents", "number"])
    op.create_table(
        "tasks_assignment",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("assignee_id", Id, nullable=False),
        sa.Column("previous_id", Id),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("run", BigInt),
        sa.Column("fee_entry_no", BigInt),
        sa.PrimaryKeyConstraint("task_id", "number", name="pk_tasks_assignment"),
        sa.CheckConstraint("number > 0", name=op.f("ck_tasks_assignment_number")),
        sa.CheckConstraint(
            "(number = 1) = (previous_id IS NULL)", name=op.f("ck_tasks_assignment_previous")
        ),
        sa.CheckConstraint(
            "reason IN ('created', 'shuffle', 'left')", name=op.f("ck_tasks_assignment_reason")
        ),
        sa.CheckConstraint(
            "(reason = 'shuffle') = (run IS NOT NULL)", name=op.f("ck_tasks_assignment_run")
        ),
        sa.ForeignKeyConstraint(
            ["run"], ["tasks_run.number"], name="fk_tasks_assignment_run_tasks_run"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks_task.id"], name="fk_tasks_assignment_task_id_tasks_task"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_assignment_came", "tasks_assignment", ["assignee_id", "at"])
    op.create_index("ix_tasks_assignment_left", "tasks_assignment", ["previous_id", "at"])
    op.create_index("ix_tasks_assignment_run", "tasks_assignment", ["run", "task_id"])
    op.create_table(
        "tasks_word",
        sa.Column("word", PLAIN, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("word", "task_id", name="pk_tasks_word"),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks_task.id"], name="fk_tasks_word_task_id_tasks_task"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_word_task_id", "tasks_word", ["task_id"])
    head = sa.table("tasks_head", sa.column("name", sa.Text), sa.column("last", BigInt))
    op.bulk_insert(head, [{"name": "task", "last": 0}, {"name": "run", "last": 0}])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("tasks_word")
    op.drop_table("tasks_assignment")
    op.drop_table("tasks_task")
    op.drop_table("tasks_run")
    op.drop_table("tasks_request")
    op.drop_table("tasks_head")
    op.drop_table("tasks_assignee")
