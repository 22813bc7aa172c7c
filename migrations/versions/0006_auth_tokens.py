"""API tokens."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import Id, UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "auth_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", PLAIN, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("last_used_at", UTCDateTime),
        sa.Column("revoked_at", UTCDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_auth_token"),
        sa.UniqueConstraint("hash", name="uq_auth_token_hash"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["auth_person.id"], name="fk_auth_token_person_id_auth_person"
        ),
        sa.CheckConstraint("scope IN ('read', 'write')", name=op.f("ck_auth_token_scope")),
        sa.CheckConstraint("ends_at > made_at", name=op.f("ck_auth_token_ends_at")),
        sqlite_strict=True,
    )
    op.create_index("ix_auth_token_person_id", "auth_token", ["person_id", "id"])


def downgrade() -> None:
    """Drop it: nobody is signed in by a token any more."""
    op.drop_table("auth_token")
