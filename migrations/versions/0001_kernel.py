"""The kernel's tables: staging, log, heads, consumers, parked events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ates.kernel import ids
from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def envelope() -> list[sa.Column[Any]]:
    """What staging and log have in common."""
    return [
        sa.Column("event_id", Id, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("key_version", BigInt, nullable=False),
        sa.Column("occurred_at", UTCDateTime, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("meta", sa.Text, nullable=False),
    ]


def upgrade() -> None:
    """Make the tables and the head of this database's own log."""
    op.create_table(
        "outbox",
        sa.Column("seq", BigInt, sa.Identity(always=False, cache=1), autoincrement=True),
        *envelope(),
        sa.Column("held", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.CheckConstraint("key_version > 0", name="ck_outbox_key_version"),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_table(
        "event_log",
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        *envelope(),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("log", "position", name="pk_event_log"),
        sa.UniqueConstraint("event_id", name="uq_event_log_event_id"),
        sa.UniqueConstraint(
            "source", "key", "key_version", name="uq_event_log_source_key_key_version"
        ),
        sa.CheckConstraint("position > 0", name="ck_event_log_position"),
        sqlite_strict=True,
    )
    head = op.create_table(
        "log_head",
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("own", Truth, nullable=False),
        sa.Column("epoch", Id, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("floor", BigInt, nullable=False),
        sa.Column("complete_until", UTCDateTime),
        sa.Column("swept_at", UTCDateTime),
        sa.PrimaryKeyConstraint("log", name="pk_log_head"),
        sa.CheckConstraint("position >= floor AND floor >= 0", name="ck_log_head_position"),
        sqlite_strict=True,
    )
    op.create_table(
        "consumer",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("moved_at", UTCDateTime),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("name", "log", name="pk_consumer"),
        sa.CheckConstraint("position >= 0", name="ck_consumer_position"),
        sa.CheckConstraint(
            "mode IN ('live', 'rebuild', 'paused', 'retired')", name="ck_consumer_mode"
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "parked",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", BigInt, nullable=False),
        sa.Column("next_at", UTCDateTime),
        sa.Column("first_failed_at", UTCDateTime),
        sa.Column("decided_at", UTCDateTime),
        sa.Column("error_class", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("fingerprint", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("consumer", "log", "position", name="pk_parked"),
        sa.CheckConstraint(
            "status IN ('retry', 'blocked', 'dead', 'skipped')", name="ck_parked_status"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_parked_stream", "parked", ["consumer", "source", "key", "position"])
    due = sa.text("status = 'retry'")
    op.create_index(
        "ix_parked_due", "parked", ["consumer", "next_at"], sqlite_where=due, postgresql_where=due
    )
    op.bulk_insert(
        head, [{"log": "ates", "own": True, "epoch": ids.new(), "position": 0, "floor": 0}]
    )
    if op.get_bind().dialect.name == "postgresql":
        # Staging is emptied as fast as it fills: vacuum it eagerly, or its dead rows slow the head.
        op.execute(
            "ALTER TABLE outbox SET"
            " (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
        )


def downgrade() -> None:
    """Drop them."""
    for table in ("parked", "consumer", "log_head", "event_log", "outbox"):
        op.drop_table(table)
