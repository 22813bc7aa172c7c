"""Whether a task has a word, answered by the index alone."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A search for two words that many tasks have asks it of thousands of tasks."""
    op.create_index("ix_tasks_word_of", "tasks_word", ["task_id", "word"])
    op.drop_index("ix_tasks_word_task_id", "tasks_word")


def downgrade() -> None:
    """Every word of a task is read again."""
    op.create_index("ix_tasks_word_task_id", "tasks_word", ["task_id"])
    op.drop_index("ix_tasks_word_of", "tasks_word")
