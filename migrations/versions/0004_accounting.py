"""The tables of accounting, and what the database refuses by itself (books.md, chapter 3)."""

import sqlalchemy as sa
from alembic import op

from ates.kernel.types import BigInt, Blob, Day, Id, Truth, UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = (
    ("fee", 4000, "Fee income"),
    ("reward", 5000, "Reward expense"),
    ("payout", 1000, "Cash"),
    ("adjustment", 5900, "Adjustments"),
)

# Each append-only table with all its unique keys: INSERT OR REPLACE deletes through any of them.
APPEND_ONLY = {
    "accounting_entry": (
        ("entry_no",),
        ("account_id", "account_seq"),
        ("kind", "source_id", "source_no"),
    ),
    "accounting_block": (("block_no",), ("first_entry_no",), ("last_entry_no",)),
    "accounting_price": (("task_id",),),
    "accounting_payout": (("business_date", "account_id"), ("entry_no",)),
}
DAY_KEYS = (("business_date",), ("starts_at",), ("ends_at",))

# Two lines per entry: the person's side on 2000, the company's on the contra account of the kind.
JOURNAL = """
CREATE VIEW accounting_journal AS
SELECT entry_no, 2000 AS ledger_account, account_id, business_date,
       CASE WHEN amount_cents < 0 THEN -amount_cents ELSE 0 END AS debit_cents,
       CASE WHEN amount_cents > 0 THEN amount_cents ELSE 0 END AS credit_cents
FROM accounting_entry
UNION ALL
SELECT e.entry_no, k.contra, NULL, e.business_date,
       CASE WHEN e.amount_cents > 0 THEN e.amount_cents ELSE 0 END,
       CASE WHEN e.amount_cents < 0 THEN -e.amount_cents ELSE 0 END
FROM accounting_entry e JOIN accounting_posting_kind k ON k.kind = e.kind
"""

# What may count in a day: open takes all but payouts, closed only payouts, paid nothing.
TAKES = "(d.state = 'open' AND {kind} <> 'payout' OR d.state = 'closed' AND {kind} = 'payout')"

# A day moves one step forward; its borders, and once closed its closing fields, stay.
FORWARD = """
(OLD.state, NEW.state) IN (VALUES ('open', 'closed'), ('closed', 'paid'))
AND NEW.business_date = OLD.business_date
AND NEW.starts_at = OLD.starts_at AND NEW.ends_at = OLD.ends_at
AND (OLD.state = 'open' OR (NEW.closed_at = OLD.closed_at
     AND NEW.close_entry_no = OLD.close_entry_no AND NEW.close_block_no = OLD.close_block_no
     AND NEW.parked = OLD.parked AND NEW.seal = OLD.seal))
"""

POSTGRESQL_FUNCTIONS = (
    """
CREATE FUNCTION accounting_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows stay as they are', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$
""",
    # FOR SHARE first: a writer that forgot the head lock waits for the close, then is refused.
    f"""
CREATE FUNCTION accounting_keep_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounting_day
        WHERE business_date IN (SELECT business_date FROM fresh)
        ORDER BY business_date FOR SHARE;
    IF EXISTS (SELECT 1 FROM fresh f JOIN accounting_day d ON d.business_date = f.business_date
               WHERE NOT {TAKES.format(kind="f.kind")}) THEN
        RAISE EXCEPTION 'the day does not take this entry' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
""",  # noqa: S608 - text from this file
    f"""
CREATE FUNCTION accounting_days_go_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT ({FORWARD}) THEN
        RAISE EXCEPTION 'days go forward' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
""",
)


def upgrade() -> None:
    """Make the tables, the kinds, the head of the ledger, the journal and the refusals."""
    make_tables()
    kind = sa.table(
        "accounting_posting_kind",
        sa.column("kind", sa.Text),
        sa.column("contra", BigInt),
        sa.column("contra_name", sa.Text),
    )
    op.bulk_insert(
        kind, [{"kind": name, "contra": no, "contra_name": says} for name, no, says in KINDS]
    )
    numbers = ("last_entry_no", "last_block_no", "last_account_id", "said", "verified_block_no")
    head = sa.table(
        "accounting_head",
        sa.column("id", BigInt),
        sa.column("last_hash", Blob),
        *(sa.column(name, BigInt) for name in numbers),
    )
    op.bulk_insert(head, [{"id": 1, "last_hash": bytes(32)} | dict.fromkeys(numbers, 0)])
    op.execute(JOURNAL)
    if op.get_bind().dialect.name == "sqlite":
        refuse_on_sqlite()
    else:
        refuse_on_postgresql()


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW accounting_journal")
    drop_tables()
    if op.get_bind().dialect.name != "sqlite":
        for name in ("days_go_forward", "keep_days", "refuse"):
            op.execute(f"DROP FUNCTION accounting_{name}()")


def refuse_on_sqlite() -> None:
    """Triggers of SQLite. REPLACE may delete without firing DELETE triggers: guard each key."""
    for table, keys in {**APPEND_ONLY, "accounting_day": DAY_KEYS}.items():
        there = " OR ".join(
            f"EXISTS (SELECT 1 FROM {table} WHERE "  # noqa: S608 - names from this file
            + " AND ".join(f"{column} = NEW.{column}" for column in key)
            + ")"
            for key in keys
        )
        guard(table, "INSERT", "replace", there, "this key is already there")
        guard(table, "DELETE", "delete", "1", "its rows stay as they are")
        if table in APPEND_ONLY:
            guard(table, "UPDATE", "update", "1", "its rows stay as they are")
    same, takes = "d.business_date = NEW.business_date", TAKES.format(kind="NEW.kind")
    guard(
        "accounting_entry",
        "INSERT",
        "day",
        f"NOT EXISTS (SELECT 1 FROM accounting_day d WHERE {same} AND {takes})",  # noqa: S608
        "the day does not take this entry",
    )
    guard("accounting_day", "UPDATE", "forward", f"NOT ({FORWARD})", "days go forward")


def guard(table: str, act: str, name: str, when: str, says: str) -> None:
    """One refusal before an act."""
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {act} ON {table} WHEN {when}"
        f" BEGIN SELECT RAISE(ABORT, '{act} of {table} is refused: {says}'); END"
    )


def refuse_on_postgresql() -> None:
    """Triggers of PostgreSQL, once per statement where a statement writes many rows."""
    for function in POSTGRESQL_FUNCTIONS:
        op.execute(function)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION accounting_refuse()"
        )
    op.execute(
        "CREATE TRIGGER accounting_entry_day AFTER INSERT ON accounting_entry"
        " REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION accounting_keep_days()"
    )
    op.execute(
        "CREATE TRIGGER accounting_day_stays BEFORE DELETE OR TRUNCATE ON accounting_day"
        " FOR EACH STATEMENT EXECUTE FUNCTION accounting_refuse()"
    )
    op.execute(
        "CREATE TRIGGER accounting_day_forward BEFORE UPDATE ON accounting_day"
        " FOR EACH ROW EXECUTE FUNCTION accounting_days_go_forward()"
    )


def make_tables() -> None:
    """All tables, parents first."""
    op.create_table(
        "accounting_account",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("balance_cents", BigInt, nullable=False),
        sa.Column("last_seq", BigInt, nullable=False),
        sa.Column("opened_at", UTCDateTime, nullable=False),
        sa.CheckConstraint("last_seq >= 0", name=op.f("ck_accounting_account_last_seq")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_account")),
        sa.UniqueConstraint("person_id", name=op.f("uq_accounting_account_person_id")),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_accounting_account_below_zero",
        "accounting_account",
        ["balance_cents"],
        sqlite_where=sa.text("balance_cents < 0"),
        postgresql_where=sa.text("balance_cents < 0"),
    )
    op.create_table(
        "accounting_card",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("jira_id", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("version", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_accounting_card")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_accounting_card_number"), "accounting_card", ["number"])
    op.create_table(
        "accounting_day",
        sa.Column("business_date", Day, nullable=False),
        sa.Column("starts_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("closed_at", UTCDateTime),
        sa.Column("close_entry_no", BigInt),
        sa.Column("close_block_no", BigInt),
        sa.Column("parked", BigInt),
        sa.Column("seal", Blob),
        sa.Column("paid_at", UTCDateTime),
        sa.Column("payouts", BigInt),
        sa.Column("payout_cents", BigInt),
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL)"
            " AND (state = 'open') = (close_entry_no IS NULL)"
            " AND (state = 'open') = (close_block_no IS NULL)"
            " AND (state = 'open') = (parked IS NULL) AND (state = 'open') = (seal IS NULL)",
            name=op.f("ck_accounting_day_closing"),
        ),
        sa.CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL)"
            " AND (state = 'paid') = (payouts IS NOT NULL)"
            " AND (state = 'paid') = (payout_cents IS NOT NULL)",
            name=op.f("ck_accounting_day_paying"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'paid')", name=op.f("ck_accounting_day_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_accounting_day_borders")),
        sa.PrimaryKeyConstraint("business_date", name=op.f("pk_accounting_day")),
        sa.UniqueConstraint("ends_at", name=op.f("uq_accounting_day_ends_at")),
        sa.UniqueConstraint("starts_at", name=op.f("uq_accounting_day_starts_at")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_head",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("last_entry_no", BigInt, nullable=False),
        sa.Column("last_block_no", BigInt, nullable=False),
        sa.Column("last_hash", Blob, nullable=False),
        sa.Column("last_account_id", BigInt, nullable=False),
        sa.Column("said", BigInt, nullable=False),
        sa.Column("verified_block_no", BigInt, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_accounting_head_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_head")),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_person",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("trade", sa.Text),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("active", Truth, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_accounting_person")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_posting_kind",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("contra", BigInt, nullable=False),
        sa.Column("contra_name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_accounting_posting_kind")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_price",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("fee_cents", BigInt, nullable=False),
        sa.Column("reward_cents", BigInt, nullable=False),
        sa.Column("key_id", BigInt, nullable=False),
        sa.Column("priced_at", UTCDateTime, nullable=False),
        sa.CheckConstraint(
            "fee_cents BETWEEN 1000 AND 2000 AND fee_cents % 100 = 0",
            name=op.f("ck_accounting_price_fee"),
        ),
        sa.CheckConstraint(
            "reward_cents BETWEEN 2000 AND 4000 AND reward_cents % 100 = 0",
            name=op.f("ck_accounting_price_reward"),
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_accounting_price")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_request",
        sa.Column("person_id", Id, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("status", BigInt),
        sa.Column("location", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_accounting_request")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_accounting_request_made_at"), "accounting_request", ["made_at"])
    op.create_table(
        "accounting_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("finished_at", UTCDateTime),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", BigInt, nullable=False),
        sa.Column("exit_code", BigInt),
        sa.Column("report", sa.Text, nullable=False),
        sa.CheckConstraint(
            "command IN ('payout', 'verify')", name=op.f("ck_accounting_run_command")
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (exit_code IS NULL)", name=op.f("ck_accounting_run_finished")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_run")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_accounting_run_started_at"), "accounting_run", ["started_at"])
    op.create_table(
        "accounting_account_day",
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column("fee_cents", BigInt, nullable=False),
        sa.Column("reward_cents", BigInt, nullable=False),
        sa.Column("adjustment_cents", BigInt, nullable=False),
        sa.Column("payout_cents", BigInt, nullable=False),
        sa.Column("entries", BigInt, nullable=False),
        sa.Column("first_seq", BigInt, nullable=False),
        sa.Column("last_seq", BigInt, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounting_account.id"],
            name=op.f("fk_accounting_account_day_account_id_accounting_account"),
        ),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f("fk_accounting_account_day_business_date_accounting_day"),
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "business_date", name=op.f("pk_accounting_account_day")
        ),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_accounting_account_day_business_date"), "accounting_account_day", ["business_date"]
    )
    op.create_table(
        "accounting_day_reward",
        sa.Column("completed_on", Day, nullable=False),
        sa.Column("reward_cents", BigInt, autoincrement=False, nullable=False),
        sa.Column("tasks", BigInt, nullable=False),
        sa.Column("first_entry_no", BigInt, nullable=False),
        sa.ForeignKeyConstraint(
            ["completed_on"],
            ["accounting_day.business_date"],
            name=op.f("fk_accounting_day_reward_completed_on_accounting_day"),
        ),
        sa.PrimaryKeyConstraint(
            "completed_on", "reward_cents", name=op.f("pk_accounting_day_reward")
        ),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_day_total",
        sa.Column("business_date", Day, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("amount_cents", BigInt, nullable=False),
        sa.Column("entries", BigInt, nullable=False),
        sa.Column("first_entry_no", BigInt, nullable=False),
        sa.Column("last_entry_no", BigInt, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f("fk_accounting_day_total_business_date_accounting_day"),
        ),
        sa.ForeignKeyConstraint(
            ["kind"],
            ["accounting_posting_kind.kind"],
            name=op.f("fk_accounting_day_total_kind_accounting_posting_kind"),
        ),
        sa.PrimaryKeyConstraint("business_date", "kind", name=op.f("pk_accounting_day_total")),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_entry",
        sa.Column("entry_no", BigInt, autoincrement=False, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("account_seq", BigInt, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("source_no", BigInt, nullable=False),
        sa.Column("amount_cents", BigInt, nullable=False),
        sa.Column("balance_cents", BigInt, nullable=False),
        sa.Column("business_date", Day, nullable=False),
        sa.Column("occurred_on", Day, nullable=False),
        sa.Column("occurred_at", UTCDateTime, nullable=False),
        sa.Column("posted_at", UTCDateTime, nullable=False),
        sa.Column("event_id", Id),
        sa.CheckConstraint(
            "kind <> 'adjustment' OR (amount_cents <> 0 AND source_no = 0"
            " AND amount_cents BETWEEN -1000000 AND 1000000)",
            name=op.f("ck_accounting_entry_adjustment"),
        ),
        sa.CheckConstraint(
            "kind <> 'fee' OR (amount_cents BETWEEN -2000 AND -1000"
            " AND amount_cents % 100 = 0 AND source_no > 0)",
            name=op.f("ck_accounting_entry_fee"),
        ),
        sa.CheckConstraint(
            "kind <> 'payout' OR amount_cents < 0", name=op.f("ck_accounting_entry_payout")
        ),
        sa.CheckConstraint(
            "kind <> 'reward' OR (amount_cents BETWEEN 2000 AND 4000"
            " AND amount_cents % 100 = 0 AND source_no = 0)",
            name=op.f("ck_accounting_entry_reward"),
        ),
        sa.CheckConstraint("account_seq > 0", name=op.f("ck_accounting_entry_account_seq")),
        sa.CheckConstraint("entry_no > 0", name=op.f("ck_accounting_entry_entry_no")),
        sa.CheckConstraint(
            "occurred_on <= business_date", name=op.f("ck_accounting_entry_occurred_on")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounting_account.id"],
            name=op.f("fk_accounting_entry_account_id_accounting_account"),
        ),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f("fk_accounting_entry_business_date_accounting_day"),
        ),
        sa.ForeignKeyConstraint(
            ["kind"],
            ["accounting_posting_kind.kind"],
            name=op.f("fk_accounting_entry_kind_accounting_posting_kind"),
        ),
        sa.PrimaryKeyConstraint("entry_no", name=op.f("pk_accounting_entry")),
        sa.UniqueConstraint(
            "account_id", "account_seq", name=op.f("uq_accounting_entry_account_id_account_seq")
        ),
        sa.UniqueConstraint(
            "kind",
            "source_id",
            "source_no",
            name=op.f("uq_accounting_entry_kind_source_id_source_no"),
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_block",
        sa.Column("block_no", BigInt, autoincrement=False, nullable=False),
        sa.Column("first_entry_no", BigInt, nullable=False),
        sa.Column("last_entry_no", BigInt, nullable=False),
        sa.Column("posted_at", UTCDateTime, nullable=False),
        sa.Column("key_id", BigInt, nullable=False),
        sa.Column("hash", Blob, nullable=False),
        sa.CheckConstraint("block_no > 0", name=op.f("ck_accounting_block_block_no")),
        sa.CheckConstraint(
            "last_entry_no - first_entry_no BETWEEN 0 AND 499",
            name=op.f("ck_accounting_block_size"),
        ),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_accounting_block_hash")),
        sa.ForeignKeyConstraint(
            ["first_entry_no"],
            ["accounting_entry.entry_no"],
            name=op.f("fk_accounting_block_first_entry_no_accounting_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["last_entry_no"],
            ["accounting_entry.entry_no"],
            name=op.f("fk_accounting_block_last_entry_no_accounting_entry"),
        ),
        sa.PrimaryKeyConstraint("block_no", name=op.f("pk_accounting_block")),
        sa.UniqueConstraint("first_entry_no", name=op.f("uq_accounting_block_first_entry_no")),
        sa.UniqueConstraint("last_entry_no", name=op.f("uq_accounting_block_last_entry_no")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_payout",
        sa.Column("business_date", Day, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("amount_cents", BigInt, nullable=False),
        sa.Column("entry_no", BigInt, nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_accounting_payout_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounting_account.id"],
            name=op.f("fk_accounting_payout_account_id_accounting_account"),
        ),
        sa.ForeignKeyConstraint(
            ["business_date"],
            ["accounting_day.business_date"],
            name=op.f("fk_accounting_payout_business_date_accounting_day"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_no"],
            ["accounting_entry.entry_no"],
            name=op.f("fk_accounting_payout_entry_no_accounting_entry"),
        ),
        sa.PrimaryKeyConstraint("business_date", "account_id", name=op.f("pk_accounting_payout")),
        sa.UniqueConstraint("entry_no", name=op.f("uq_accounting_payout_entry_no")),
        sqlite_strict=True,
    )
    op.create_table(
        "accounting_letter",
        sa.Column("business_date", Day, nullable=False),
        sa.Column("account_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("locale", sa.Text),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("previous_date", Day),
        sa.Column("carried_cents", BigInt, nullable=False),
        sa.Column("reward_cents", BigInt, nullable=False),
        sa.Column("rewards", BigInt, nullable=False),
        sa.Column("fee_cents", BigInt, nullable=False),
        sa.Column("fees", BigInt, nullable=False),
        sa.Column("adjustment_cents", BigInt, nullable=False),
        sa.Column("adjustments", BigInt, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", BigInt, nullable=False),
        sa.Column("doubts", BigInt, nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("next_try_at", UTCDateTime),
        sa.Column("claimed_until", UTCDateTime),
        sa.Column("sent_at", UTCDateTime),
        sa.Column("reply", sa.Text),
        sa.CheckConstraint(
            "locale IS NOT NULL OR state = 'waiting_address'",
            name=op.f("ck_accounting_letter_locale"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting_address','queued','sending','sent','failed','unknown')",
            name=op.f("ck_accounting_letter_state"),
        ),
        sa.ForeignKeyConstraint(
            ["business_date", "account_id"],
            ["accounting_payout.business_date", "accounting_payout.account_id"],
            name=op.f("fk_accounting_letter_business_date_account_id_accounting_payout"),
        ),
        sa.PrimaryKeyConstraint("business_date", "account_id", name=op.f("pk_accounting_letter")),
        sa.UniqueConstraint("message_id", name=op.f("uq_accounting_letter_message_id")),
        postgresql_with={"fillfactor": 80},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_accounting_letter_waiting",
        "accounting_letter",
        ["account_id"],
        sqlite_where=sa.text("state = 'waiting_address'"),
        postgresql_where=sa.text("state = 'waiting_address'"),
    )
    op.create_index(
        "ix_accounting_letter_due",
        "accounting_letter",
        ["next_try_at"],
        sqlite_where=sa.text("state IN ('queued', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('queued', 'sending', 'unknown')"),
    )


def drop_tables() -> None:
    """Children first."""

    op.drop_index(
        "ix_accounting_letter_due",
        table_name="accounting_letter",
        sqlite_where=sa.text("state IN ('queued', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('queued', 'sending', 'unknown')"),
    )
    op.drop_table("accounting_letter")
    op.drop_table("accounting_payout")
    op.drop_table("accounting_block")
    op.drop_table("accounting_entry")
    op.drop_table("accounting_day_total")
    op.drop_table("accounting_day_reward")
    op.drop_index(
        op.f("ix_accounting_account_day_business_date"), table_name="accounting_account_day"
    )
    op.drop_table("accounting_account_day")
    op.drop_index(op.f("ix_accounting_run_started_at"), table_name="accounting_run")
    op.drop_table("accounting_run")
    op.drop_index(op.f("ix_accounting_request_made_at"), table_name="accounting_request")
    op.drop_table("accounting_request")
    op.drop_table("accounting_price")
    op.drop_table("accounting_posting_kind")
    op.drop_table("accounting_person")
    op.drop_table("accounting_head")
    op.drop_table("accounting_day")
    op.drop_index(op.f("ix_accounting_card_number"), table_name="accounting_card")
    op.drop_table("accounting_card")
    op.drop_index(
        "ix_accounting_account_below_zero",
        table_name="accounting_account",
        sqlite_where=sa.text("balance_cents < 0"),
        postgresql_where=sa.text("balance_cents < 0"),
    )
    op.drop_table("accounting_account")
