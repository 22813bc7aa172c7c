"""The moments of tasks in order: how many were given and completed between two of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DONE = sa.text("completed_at IS NOT NULL")


def upgrade() -> None:
    """Without them a day is counted by reading every assignment and every task there ever was."""
    op.create_index("ix_tasks_assignment_at", "tasks_assignment", ["at"])
    op.create_index(
        "ix_tasks_task_done",
        "tasks_task",
        ["completed_at"],
        sqlite_where=DONE,
        postgresql_where=DONE,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_tasks_task_done", "tasks_task")
    op.drop_index("ix_tasks_assignment_at", "tasks_assignment")
