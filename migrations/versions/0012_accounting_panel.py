"""What the day control panel and the page on fairness need at size.

How many tasks have each fee and each reward, since nobody can count a million prices for a page;
and the letters that have not been sent, which are few, by their day.
"""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TOTAL = "accounting_price_total"
UNSENT = sa.text("state <> 'sent'")


def upgrade() -> None:
    """Make both; the sums come from the prices that were drawn so far."""
    op.create_index(
        "ix_accounting_letter_unsent",
        "accounting_letter",
        ["business_date", "state"],
        sqlite_where=UNSENT,
        postgresql_where=UNSENT,
    )
    op.create_table(
        TOTAL,
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("cents", BigInt, autoincrement=False, nullable=False),
        sa.Column("tasks", BigInt, nullable=False),
        sa.CheckConstraint("kind IN ('fee', 'reward')", name=op.f(f"ck_{TOTAL}_kind")),
        sa.CheckConstraint("tasks > 0", name=op.f(f"ck_{TOTAL}_tasks")),
        sa.PrimaryKeyConstraint("kind", "cents", name=op.f(f"pk_{TOTAL}")),
        sqlite_strict=True,
        postgresql_with={"fillfactor": 80},
    )
    for kind in ("fee", "reward"):
        op.execute(
            f"INSERT INTO {TOTAL} (kind, cents, tasks)"  # noqa: S608 - names from here
            f" SELECT '{kind}', {kind}_cents, count(*) FROM accounting_price GROUP BY {kind}_cents"
        )


def downgrade() -> None:
    """Drop both."""
    op.drop_table(TOTAL)
    op.drop_index("ix_accounting_letter_unsent", "accounting_letter")
