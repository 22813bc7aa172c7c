"""What operations keep: keys of forms, checks, workers, pace, the history of parked events."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LETTERS = ("auth_letter", "accounting_letter")
NAMED = ("correlation", "causation")


def upgrade() -> None:
    """Make the tables."""
    _of_operations()
    _of_workers()
    _of_parked_events()
    _of_chains()


def _of_operations() -> None:
    op.create_table(
        "ops_request",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", BigInt),
        sa.Column("location", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name="pk_ops_request"),
        sqlite_strict=True,
    )
    op.create_index("ix_ops_request_made_at", "ops_request", ["made_at"])
    op.create_table(
        "ops_check",
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("checked_at", UTCDateTime, nullable=False),
        sa.Column("ok", Truth, nullable=False),
        sa.Column("differences", BigInt, nullable=False),
        sa.Column("first", sa.Text),
        sa.PrimaryKeyConstraint("part", "kind", name="pk_ops_check"),
        sa.CheckConstraint("kind IN ('quick', 'full')", name=op.f("ck_ops_check_kind")),
        sqlite_strict=True,
    )


def _of_workers() -> None:
    op.create_table(
        "worker",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", BigInt, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("since", UTCDateTime, nullable=False),
        sa.Column("beat_at", UTCDateTime, nullable=False),
        sa.Column("doing", sa.Text, nullable=False),
        sa.Column("failed_rings", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_worker"),
        sqlite_strict=True,
    )
    op.create_table(
        "pace",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("head", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "log", "at", name="pk_pace"),
        sqlite_strict=True,
    )
    op.add_column("consumer", sa.Column("paused_by", sa.Text))
    op.add_column("consumer", sa.Column("paused_at", UTCDateTime))


def _of_parked_events() -> None:
    op.create_table(
        "parked_history",
        sa.Column("number", BigInt, sa.Identity(always=False, cache=1), autoincrement=True),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("attempt", BigInt),
        sa.Column("error_class", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("traceback", sa.Text),
        sa.Column("by_whom", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_parked_history"),
        sa.CheckConstraint(
            "what IN ('failed', 'handled', 'again', 'skipped', 'set aside')",
            name=op.f("ck_parked_history_what"),
        ),
        sqlite_autoincrement=True,
        sqlite_strict=True,
    )
    op.create_index("ix_parked_history_event", "parked_history", ["log", "position", "consumer"])


def _of_chains() -> None:
    """One id from the click to the letter: letters keep it, events are found by it (ops.chain).

    The envelope is canonical text, so that its part can be cut out without reading it as JSON,
    which SQLite refuses in an index while it trusts no schema.
    """
    for table in LETTERS:
        op.add_column(table, sa.Column("correlation_id", sa.Text))
        op.create_index(
            f"ix_{table}_correlation_id",
            table,
            ["correlation_id"],
            sqlite_where=sa.text("correlation_id IS NOT NULL"),
            postgresql_where=sa.text("correlation_id IS NOT NULL"),
        )
    place = "instr" if op.get_bind().dialect.name == "sqlite" else "strpos"
    for name in NAMED:
        mark = f'\'"{name}id": "\''
        op.get_bind().exec_driver_sql(
            f"CREATE INDEX ix_event_log_{name} ON event_log"
            f" (substr(meta, {place}(meta, {mark}) + {len(mark) - 2}, 36))"
            f" WHERE {place}(meta, {mark}) > 0"
        )


def downgrade() -> None:
    """Drop them."""
    for name in NAMED:
        op.drop_index(f"ix_event_log_{name}", "event_log")
    for table in LETTERS:
        op.drop_index(f"ix_{table}_correlation_id", table)
        op.drop_column(table, "correlation_id")
    op.drop_table("parked_history")
    op.drop_column("consumer", "paused_at")
    op.drop_column("consumer", "paused_by")
    for table in ("pace", "worker", "ops_check", "ops_request"):
        op.drop_table(table)
