"""Corrections, holds, the audit log of accounting, and letters that carry a day's seal."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Blob, Day, Id, UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ADJUSTMENT, HOLD, AUDIT = "accounting_adjustment", "accounting_hold", "accounting_audit"
HEAD, SEALS = "accounting_audit_head", "accounting_seal_letter"
DUE = "state IN ('queued', 'sending', 'unknown')"

# What is decided once stays; what was asked for never changes.
FROZEN = {
    ADJUSTMENT: (
        "OLD.state = 'requested'",
        (
            "id",
            "account_id",
            "amount_cents",
            "reason",
            "reverses_entry_no",
            "requested_by",
            "requested_at",
        ),
    ),
    HOLD: (
        "OLD.released_at IS NULL",
        ("id", "business_date", "account_id", "reason", "held_by", "held_at"),
    ),
}

KEYS = {
    ADJUSTMENT: (
        "id = {new}.id",
        "entry_no = {new}.entry_no",
        "reverses_entry_no = {new}.reverses_entry_no AND state <> 'rejected'"
        " AND {new}.state <> 'rejected'",
    ),
    HOLD: ("id = {new}.id",),
}


def upgrade() -> None:
    """Make the tables and their refusals."""
    _of_corrections()
    _of_holds()
    _of_the_audit()
    _of_seals()
    if op.get_bind().dialect.name == "sqlite":
        _refuse_on_sqlite()
    else:
        _refuse_on_postgresql()


def downgrade() -> None:
    """Drop them."""
    for table in (SEALS, HEAD, AUDIT, HOLD, ADJUSTMENT):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for table in FROZEN:
            op.execute(f"DROP FUNCTION {table}_stays()")


def _of_corrections() -> None:
    op.create_table(
        ADJUSTMENT,
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("amount_cents", BigInt, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reverses_entry_no", BigInt),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("requested_by", Id, nullable=False),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.Column("decided_by", Id),
        sa.Column("decided_at", UTCDateTime),
        sa.Column("entry_no", BigInt),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'rejected')", name=op.f(f"ck_{ADJUSTMENT}_state")
        ),
        sa.CheckConstraint(
            "amount_cents <> 0 AND amount_cents BETWEEN -1000000 AND 1000000",
            name=op.f(f"ck_{ADJUSTMENT}_amount"),
        ),
        sa.CheckConstraint(
            "length(reason) BETWEEN 10 AND 500", name=op.f(f"ck_{ADJUSTMENT}_reason")
        ),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f(f"ck_{ADJUSTMENT}_four_eyes")),
        sa.CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL)"
            " AND (state = 'requested') = (decided_at IS NULL)"
            " AND (state = 'approved') = (entry_no IS NOT NULL)",
            name=op.f(f"ck_{ADJUSTMENT}_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounting_account.id"],
            name=op.f(f"fk_{ADJUSTMENT}_account_id_accounting_account"),
        ),
        sa.ForeignKeyConstraint(
            ["reverses_entry_no"],
            ["accounting_entry.entry_no"],
            name=op.f(f"fk_{ADJUSTMENT}_reverses_entry_no_accounting_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_no"],
            ["accounting_entry.entry_no"],
            name=op.f(f"fk_{ADJUSTMENT}_entry_no_accounting_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ADJUSTMENT}")),
        sa.UniqueConstraint("entry_no", name=op.f(f"uq_{ADJUSTMENT}_entry_no")),
        sqlite_strict=True,
    )
    op.create_index(op.f(f"ix_{ADJUSTMENT}_account_id"), ADJUSTMENT, ["account_id"])
    op.create_index(f"ix_{ADJUSTMENT}_state", ADJUSTMENT, ["state", "id"])
    rule = sa.text("state <> 'rejected'")
    op.create_index(
        f"uq_{ADJUSTMENT}_reverses",
        ADJUSTMENT,
        ["reverses_entry_no"],
        unique=True,
        sqlite_where=rule,
        postgresql_where=rule,
    )


def _of_holds() -> None:
    op.create_table(
        HOLD,
        sa.Column("id", Id, nullable=False),
        sa.Column("business_date", Day),
        sa.Column("account_id", BigInt),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("held_by", Id),
        sa.Column("held_at", UTCDateTime, nullable=False),
        sa.Column("released_by", Id),
        sa.Column("released_at", UTCDateTime),
        sa.CheckConstraint(
            "business_date IS NULL OR account_id IS NULL", name=op.f(f"ck_{HOLD}_one")
        ),
        sa.CheckConstraint("length(reason) BETWEEN 10 AND 500", name=op.f(f"ck_{HOLD}_reason")),
        sa.CheckConstraint("released_by <> held_by", name=op.f(f"ck_{HOLD}_four_eyes")),
        sa.CheckConstraint(
            "(released_by IS NULL) = (released_at IS NULL)", name=op.f(f"ck_{HOLD}_released")
        ),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f(f"fk_{HOLD}_business_date_accounting_day"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounting_account.id"],
            name=op.f(f"fk_{HOLD}_account_id_accounting_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{HOLD}")),
        sqlite_strict=True,
    )
    rule = sa.text("released_at IS NULL")
    op.create_index(
        f"ix_{HOLD}_active",
        HOLD,
        ["business_date", "account_id"],
        sqlite_where=rule,
        postgresql_where=rule,
    )
    op.create_index(f"ix_{HOLD}_account_id", HOLD, ["account_id"])


def _of_the_audit() -> None:
    op.create_table(
        AUDIT,
        sa.Column("number", BigInt, autoincrement=False, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("actor", Id),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("hash", Blob, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{AUDIT}")),
        sqlite_strict=True,
    )
    head = op.create_table(
        HEAD,
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("hash", Blob, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f(f"ck_{HEAD}_one")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{HEAD}")),
        sqlite_strict=True,
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": bytes(32)}])


def _of_seals() -> None:
    op.create_table(
        SEALS,
        sa.Column("business_date", Day, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", BigInt, nullable=False),
        sa.Column("doubts", BigInt, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("next_try_at", UTCDateTime),
        sa.Column("claimed_until", UTCDateTime),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("reply", sa.Text),
        sa.Column("correlation_id", sa.Text),
        sa.CheckConstraint(
            "state IN ('waiting_address','queued','sending','sent','failed','unknown')",
            name=op.f(f"ck_{SEALS}_state"),
        ),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f(f"fk_{SEALS}_business_date_accounting_day"),
        ),
        sa.PrimaryKeyConstraint("business_date", "person_id", name=op.f(f"pk_{SEALS}")),
        sa.UniqueConstraint("message_id", name=op.f(f"uq_{SEALS}_message_id")),
        sqlite_strict=True,
    )
    for name, column, rule in (
        ("due", "next_try_at", sa.text(DUE)),
        ("correlation_id", "correlation_id", sa.text("correlation_id IS NOT NULL")),
    ):
        op.create_index(
            f"ix_{SEALS}_{name}", SEALS, [column], sqlite_where=rule, postgresql_where=rule
        )


def _refuse_on_sqlite() -> None:
    for table, (open_, columns) in FROZEN.items():
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in columns)
        _guard(table, "UPDATE", "decided", f"NOT ({open_} AND {same})", "what is decided stays")
        _guard(table, "DELETE", "delete", "1", "its rows stay as they are")
        _guard(table, "INSERT", "replace", _there(table, *KEYS[table]), "this key is already there")
    for act in ("UPDATE", "DELETE"):
        _guard(AUDIT, act, act.lower(), "1", "its rows stay as they are")
    _guard(
        AUDIT,
        "INSERT",
        "replace",
        _there(AUDIT, "number = {new}.number"),
        "this key is already there",
    )


def _there(table: str, *keys: str) -> str:
    """REPLACE deletes past the triggers through any unique key: each one is looked up."""
    return " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {key.format(new='NEW')})"  # noqa: S608 - from here
        for key in keys
    )


def _guard(table: str, act: str, name: str, when: str, says: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {act} ON {table} WHEN {when}"
        f" BEGIN SELECT RAISE(ABORT, '{act} of {table} is refused: {says}'); END"
    )


def _refuse_on_postgresql() -> None:
    for table, (open_, columns) in FROZEN.items():
        same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in columns)
        op.execute(f"""
CREATE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ({open_} AND {same}) THEN
        RAISE EXCEPTION 'UPDATE of {table} is refused: what is decided stays'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
""")
        op.execute(
            f"CREATE TRIGGER {table}_decided BEFORE UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {table}_stays()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_delete BEFORE DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION accounting_refuse()"
        )
    op.execute(
        f"CREATE TRIGGER {AUDIT}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {AUDIT}"
        " FOR EACH STATEMENT EXECUTE FUNCTION accounting_refuse()"
    )
