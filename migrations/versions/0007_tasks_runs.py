"""What a shuffle in chunks keeps: how far it must go and how far it came."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNDONE = sa.text("done_at IS NULL")


def upgrade() -> None:
    """Add its columns; runs of before were done in one transaction."""
    op.add_column("tasks_run", sa.Column("last_number", BigInt, nullable=False, server_default="0"))
    op.add_column("tasks_run", sa.Column("mark", BigInt, nullable=False, server_default="0"))
    op.add_column("tasks_run", sa.Column("correlation_id", sa.Text))
    op.create_index(
        "ix_tasks_run_undone",
        "tasks_run",
        ["number"],
        sqlite_where=UNDONE,
        postgresql_where=UNDONE,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_tasks_run_undone", "tasks_run")
    op.drop_column("tasks_run", "correlation_id")
    op.drop_column("tasks_run", "mark")
    op.drop_column("tasks_run", "last_number")
