"""What the reads of accounting need at size: the late entries of a day, which are few."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LATE = sa.text("occurred_on < business_date")


def upgrade() -> None:
    """Without it a day's page reads all entries of the day to find none."""
    op.create_index(
        "ix_accounting_entry_late",
        "accounting_entry",
        ["business_date", "entry_no"],
        sqlite_where=LATE,
        postgresql_where=LATE,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_accounting_entry_late", "accounting_entry")
