"""The tables of analytics."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Day, Id, UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "analytics_head",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("key_version", BigInt, nullable=False),
        sa.Column("entry_no", BigInt, nullable=False),
        sa.Column("posted_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("generation", name="pk_analytics_head"),
        sqlite_strict=True,
    )
    _day()
    _people()
    _tasks()


def _day() -> None:
    op.create_table(
        "analytics_day",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column("starts_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("fee_cents", BigInt, nullable=False),
        sa.Column("reward_cents", BigInt, nullable=False),
        sa.Column("adjustment_cents", BigInt, nullable=False),
        sa.Column("payout_cents", BigInt, nullable=False),
        sa.Column("entries", BigInt, nullable=False),
        sa.Column("payouts", BigInt, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("below_zero", BigInt, nullable=True),
        sa.Column("closed_by", BigInt, nullable=True),
        sa.Column("paid_by", BigInt, nullable=True),
        sa.PrimaryKeyConstraint("generation", "business_date", name="pk_analytics_day"),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'paid')", name=op.f("ck_analytics_day_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_analytics_day_borders")),
        sqlite_strict=True,
    )
    op.create_index("ix_analytics_day_starts_at", "analytics_day", ["generation", "starts_at"])


def _people() -> None:
    op.create_table(
        "analytics_person",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("balance_cents", BigInt, nullable=False),
        sa.Column("entries", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("generation", "person_id", name="pk_analytics_person"),
        sqlite_strict=True,
    )
    below = sa.text("balance_cents < 0")
    op.create_index(
        "ix_analytics_person_below_zero",
        "analytics_person",
        ["generation", "balance_cents"],
        sqlite_where=below,
        postgresql_where=below,
    )
    op.create_table(
        "analytics_person_day",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("earned_cents", BigInt, nullable=False),
        sa.Column("net_cents", BigInt, nullable=False),
        sa.PrimaryKeyConstraint(
            "generation", "business_date", "person_id", name="pk_analytics_person_day"
        ),
        sqlite_strict=True,
    )
    lost = sa.text("earned_cents < 0")
    op.create_index(
        "ix_analytics_person_day_lost",
        "analytics_person_day",
        ["generation", "business_date"],
        sqlite_where=lost,
        postgresql_where=lost,
    )


def _tasks() -> None:
    op.create_table(
        "analytics_day_reward",
        sa.Column("generation", BigInt, autoincrement=False, nullable=False),
        sa.Column("completed_on", Day, nullable=False),
        sa.Column("reward_cents", BigInt, autoincrement=False, nullable=False),
        sa.Column("tasks", BigInt, nullable=False),
        sa.Column("first_task_id", Id, nullable=False),
        sa.Column("first_completed_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint(
            "generation", "completed_on", "reward_cents", name="pk_analytics_day_reward"
        ),
        sqlite_strict=True,
    )
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


def downgrade() -> None:
    """Drop them."""
    for table in ("task", "day_reward", "person_day", "person", "day", "head"):
        op.drop_table(f"analytics_{table}")
