"""What analytics needs to compare with yesterday, to name who is behind a figure, and to list ties.

Its read model is emptied and made again from the log (R21): the consumer goes back to the
beginning, in the first generation. A log whose beginning was pruned cannot do that, so there this
migration refuses to begin.
"""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Day, Id, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEPT = ("head", "day", "person", "person_day")
BELOW = sa.text("balance_cents < 0")
LOST = sa.text("earned_cents < 0")


def upgrade() -> None:
    """Empty the read model, then make it wider."""
    _begin_again()
    op.drop_table("analytics_task")
    op.drop_table("analytics_day_reward")
    op.add_column("analytics_day", sa.Column("lost", BigInt, nullable=True))
    _indexes("person_id", ("earned_cents", "person_id"))
    _day_below()
    _sums("minute", "began_at")
    _sums("moment", "occurred_at")
    _rewards(sa.Column("first_person_id", Id, nullable=False))
    _task()


def downgrade() -> None:
    """Empty it again, and make it as it was."""
    _begin_again()
    for table in ("task", "day_reward", "moment", "minute", "day_below"):
        op.drop_table(f"analytics_{table}")
    op.drop_column("analytics_day", "lost")
    _indexes(None, ())
    _rewards(None)
    op.create_table(
        "analytics_task",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("jira_id", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("generation", "task_id", name="pk_analytics_task"),
        sqlite_strict=True,
    )


def _begin_again() -> None:
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT max(floor) FROM log_head")):
        raise RuntimeError("the log is pruned, so that analytics cannot be made again from it")
    for table in KEPT:
        op.execute(f"DELETE FROM analytics_{table}")  # noqa: S608 - names of our own
    op.execute("DELETE FROM consumer WHERE name LIKE 'analytics@%'")
    op.execute("DELETE FROM parked WHERE consumer LIKE 'analytics@%'")
    op.execute("DELETE FROM parked WHERE consumer = 'analytics' AND status <> 'skipped'")
    op.execute(
        "UPDATE consumer SET position = 0, mode = 'live', last_error = NULL"
        " WHERE name = 'analytics'"
    )


def _indexes(below: str | None, lost: tuple[str, ...]) -> None:
    op.drop_index("ix_analytics_person_below_zero", "analytics_person")
    op.create_index(
        "ix_analytics_person_below_zero",
        "analytics_person",
        ["generation", "balance_cents", *([below] if below else [])],
        sqlite_where=BELOW,
        postgresql_where=BELOW,
    )
    op.drop_index("ix_analytics_person_day_lost", "analytics_person_day")
    op.create_index(
        "ix_analytics_person_day_lost",
        "analytics_person_day",
        ["generation", "business_date", *lost],
        sqlite_where=LOST,
        postgresql_where=LOST,
    )


def _day_below() -> None:
    op.create_table(
        "analytics_day_below",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("balance_cents", BigInt, nullable=False),
        sa.PrimaryKeyConstraint(
            "generation", "business_date", "person_id", name="pk_analytics_day_below"
        ),
        sa.CheckConstraint("balance_cents < 0", name=op.f("ck_analytics_day_below_balance_cents")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_analytics_day_below_depth",
        "analytics_day_below",
        ["generation", "business_date", "balance_cents", "person_id"],
    )


def _sums(name: str, moment: str) -> None:
    op.create_table(
        f"analytics_{name}",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column(moment, UTCDateTime, nullable=False),
        sa.Column("earned_cents", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("generation", "business_date", moment, name=f"pk_analytics_{name}"),
        sqlite_strict=True,
    )


def _rewards(person: "sa.Column[object] | None") -> None:
    op.create_table(
        "analytics_day_reward",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("completed_on", Day, nullable=False),
        sa.Column("reward_cents", BigInt, autoincrement=False, nullable=False),
        sa.Column("tasks", BigInt, nullable=False),
        sa.Column("first_task_id", Id, nullable=False),
        *([person] if person is not None else []),
        sa.Column("first_completed_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint(
            "generation", "completed_on", "reward_cents", name="pk_analytics_day_reward"
        ),
        sqlite_strict=True,
    )


def _task() -> None:
    op.create_table(
        "analytics_task",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("reward_cents", BigInt, nullable=False),
        sa.Column("completed_on", Day, nullable=False),
        sa.Column("completed_at", UTCDateTime, nullable=False),
        sa.Column("number", BigInt, nullable=True),
        sa.Column("title", sa.Text, nullable=True),
        sa.Column("jira_id", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("generation", "task_id", name="pk_analytics_task"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_analytics_task_reward",
        "analytics_task",
        ["generation", "reward_cents", "completed_on", "completed_at", "task_id"],
    )
