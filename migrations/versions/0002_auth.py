"""The tables of auth."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Keys are compared and sorted by code points, the same on both databases.
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _people()
    _sessions()
    _letters()
    op.create_table(
        "auth_request",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", BigInt),
        sa.Column("location", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name="pk_auth_request"),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_request_made_at", "auth_request", ["made_at"])


def _people() -> None:
    op.create_table(
        "auth_person",
        sa.Column("id", Id, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", PLAIN, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", PLAIN, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("trade", sa.Text),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("active", Truth, nullable=False),
        sa.Column("epoch", BigInt, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("last_sign_in_at", UTCDateTime),
        sa.Column("said", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_person"),
        sa.UniqueConstraint("email_key", name="uq_auth_person_email_key"),
        sa.CheckConstraint(
            "role IN ('admin', 'manager', 'accountant', 'employee')",
            name=op.f("ck_auth_person_role"),
        ),
        sa.CheckConstraint("epoch > 0 AND said > 0", name=op.f("ck_auth_person_counts")),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_person_name_key", "auth_person", ["name_key", "id"])
    op.create_index("ix_auth_person_role", "auth_person", ["role", "active"])


def _sessions() -> None:
    op.create_table(
        "auth_session",
        sa.Column("hash", PLAIN, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("level", BigInt, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("last_used_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_auth_session"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["auth_person.id"], name="fk_auth_session_person_id_auth_person"
        ),
        sa.CheckConstraint("level IN (1, 2)", name=op.f("ck_auth_session_level")),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_session_person_id", "auth_session", ["person_id"])
    op.create_index("ix_auth_session_made_at", "auth_session", ["made_at"])
    op.create_table(
        "auth_throttle",
        sa.Column("key", PLAIN, nullable=False),
        sa.Column("failures", BigInt, nullable=False),
        sa.Column("recent", sa.Text, nullable=False),
        sa.Column("last_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_auth_throttle"),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_auth_throttle_failures")),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_throttle_last_at", "auth_throttle", ["last_at"])


def _letters() -> None:
    op.create_table(
        "auth_link",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_auth_link"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["auth_person.id"], name="fk_auth_link_person_id_auth_person"
        ),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_auth_link_kind")),
        sa.CheckConstraint("ends_at > made_at", name=op.f("ck_auth_link_ends_at")),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_link_person_id", "auth_link", ["person_id"])
    op.create_table(
        "auth_letter",
        sa.Column("link_id", Id, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", BigInt, nullable=False),
        sa.Column("doubts", BigInt, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("next_try_at", UTCDateTime),
        sa.Column("claimed_until", UTCDateTime),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("reply", sa.Text),
        sa.PrimaryKeyConstraint("link_id", name="pk_auth_letter"),
        sa.ForeignKeyConstraint(
            ["link_id"], ["auth_link.id"], name="fk_auth_letter_link_id_auth_link"
        ),
        sa.UniqueConstraint("message_id", name="uq_auth_letter_message_id"),
        sa.CheckConstraint(
            "state IN ('waiting_address','queued','sending','sent','failed','unknown')",
            name=op.f("ck_auth_letter_state"),
        ),
        sqlite_strict=True,
    )
    due = sa.text("state IN ('queued', 'sending', 'unknown')")
    op.create_index(
        "ix_auth_letter_due", "auth_letter", ["next_try_at"], sqlite_where=due, postgresql_where=due
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("request", "letter", "link", "throttle", "session", "person"):
        op.drop_table(f"auth_{table}")
