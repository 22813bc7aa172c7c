"""The kernel's tables, in every database that has a part (events.md, chapter 4)."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    select,
    text,
    update,
)

from ates.kernel.db import STRICT, metadata
from ates.kernel.types import BigInt, Id, Truth, UTCDateTime
from ates.kernel.worded import Worded

KERNEL = metadata()
OWN_LOG = "ates"  # in the monolith one log carries all sources

# Committed, not yet numbered; normally empty. `seq` is drawn one at a time (CACHE 1), after the
# aggregate's lock: when a stream's second event is visible, the first had committed with a lower
# one.
outbox = Table(
    "outbox",
    KERNEL,
    Column("seq", BigInt, Identity(always=False, cache=1), primary_key=True, autoincrement=True),
    Column("event_id", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", BigInt, nullable=False),
    Column("key", Text, nullable=False),
    Column("key_version", BigInt, nullable=False),
    Column("occurred_at", UTCDateTime, nullable=False),
    Column("data", Text, nullable=False),
    Column("meta", Text, nullable=False),
    Column("held", Text),  # why the sequencer leaves this row alone
    CheckConstraint("key_version > 0", name="key_version"),
    sqlite_autoincrement=True,  # else an emptied table starts at 1 again
    **STRICT,
)

# The numbered events. (log, position) is an event's address and never changes, also in copies.
event_log = Table(
    "event_log",
    KERNEL,
    Column("log", Text, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("event_id", Id, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", BigInt, nullable=False),
    Column("key", Text, nullable=False),
    Column("key_version", BigInt, nullable=False),
    Column("occurred_at", UTCDateTime, nullable=False),
    Column("data", Text, nullable=False),
    Column("meta", Text, nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    PrimaryKeyConstraint("log", "position"),
    UniqueConstraint("event_id"),
    # The tripwire: two events of one stream under one number mean a publisher without a lock.
    UniqueConstraint("source", "key", "key_version"),
    CheckConstraint("position > 0", name="position"),
    **STRICT,
)

log_head = Table(
    "log_head",
    KERNEL,
    Column("log", Text, primary_key=True),
    Column("own", Truth, nullable=False),
    Column("epoch", Id, nullable=False),
    Column("position", BigInt, nullable=False),  # the last numbered
    Column("floor", BigInt, nullable=False),  # the last pruned
    Column("complete_until", UTCDateTime),  # of a copied log: nothing older will come
    Column("swept_at", UTCDateTime),
    CheckConstraint("position >= floor AND floor >= 0", name="position"),
    **STRICT,
)

consumer = Table(
    "consumer",
    KERNEL,
    Column("name", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("mode", Text, nullable=False),
    Column("moved_at", UTCDateTime),
    Column("last_error", Text),
    Column("paused_by", Text),  # who paused it; the kernel itself is nobody
    Column("paused_at", UTCDateTime),
    PrimaryKeyConstraint("name", "log"),
    CheckConstraint("position >= 0", name="position"),
    CheckConstraint("mode IN ('live', 'rebuild', 'paused', 'retired')", name="mode"),
    **STRICT,
)

parked = Table(
    "parked",
    KERNEL,
    Column("consumer", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", BigInt, nullable=False),
    Column("next_at", UTCDateTime),
    Column("first_failed_at", UTCDateTime),
    Column("decided_at", UTCDateTime),
    Column("error_class", Text),
    Column("error", Text),
    Column("fingerprint", Text),
    Column("decided_by", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("consumer", "log", "position"),
    CheckConstraint("status IN ('retry', 'blocked', 'dead', 'skipped')", name="status"),
    Index("ix_parked_stream", "consumer", "source", "key", "position"),
    Index(
        "ix_parked_due",
        "consumer",
        "next_at",
        sqlite_where=text("status = 'retry'"),
        postgresql_where=text("status = 'retry'"),
    ),
    **STRICT,
)

# What happened to a parked event: each failed try with its traceback, each decision of a person.
# It stays when the event has been handled.
parked_history = Table(
    "parked_history",
    KERNEL,
    Column("number", BigInt, Identity(always=False, cache=1), primary_key=True, autoincrement=True),
    Column("consumer", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("what", Text, nullable=False),
    Column("attempt", BigInt),
    Column("error_class", Text),
    Column("error", Text),
    Column("traceback", Text),
    Column("by_whom", Text),
    Column("reason", Text),
    CheckConstraint("what IN ('failed', 'handled', 'again', 'skipped', 'set aside')", name="what"),
    Index("ix_parked_history_event", "log", "position", "consumer"),
    sqlite_autoincrement=True,
    **STRICT,
)

# The processes that deliver and send; each writes its row every few seconds.
worker = Table(
    "worker",
    KERNEL,
    Column("name", Text, primary_key=True),  # events@host:pid
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInt, nullable=False),
    Column("version", Text, nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("beat_at", UTCDateTime, nullable=False),
    Column("doing", Text, nullable=False),
    Column("failed_rings", BigInt, nullable=False),
    **STRICT,
)

# Where every consumer stood in the last minutes: how fast it goes and how fast the log grows.
pace = Table(
    "pace",
    KERNEL,
    Column("consumer", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("position", BigInt, nullable=False),
    Column("head", BigInt, nullable=False),
    PrimaryKeyConstraint("consumer", "log", "at"),
    **STRICT,
)

OWN = log_head.c.own == True  # noqa: E712 - SQL, not Python: this database's own log
FOREIGN = log_head.c.own == False  # noqa: E712 - a copy of another database's log

# The statements of each batch (kernel.delivery).
_OF = (
    select(consumer.c.log, consumer.c.position, consumer.c.mode)
    .where(consumer.c.name == bindparam("consumer"))
    .order_by(consumer.c.log)
)
LOCKS = {passing: Worded(_OF.with_for_update(skip_locked=passing)) for passing in (False, True)}
# What `events.Stored` is made of, in its order.
STORED = (
    "event_id",
    "source",
    "key",
    "key_version",
    "occurred_at",
    "log",
    "position",
    "meta",
    "type",
    "version",
    "data",
)
_BEHIND = and_(event_log.c.log == bindparam("log"), event_log.c.position > bindparam("after"))
NEXT = Worded(  # positions have no gaps, so both ends are known: no plan can sort the whole rest
    select(*(event_log.c[name] for name in STORED))
    .where(_BEHIND, event_log.c.position <= bindparam("until"))
    .order_by(event_log.c.position)
)
ANYTHING = select(select(event_log.c.position).where(_BEHIND).exists())
MOVE = Worded(
    update(consumer)
    .where(consumer.c.name == bindparam("consumer"), consumer.c.log == bindparam("of"))
    .values(position=bindparam("to"), moved_at=bindparam("now"), last_error=None)
)
# An event can be set aside before it is read. Tried again before the position has passed it, it
# would have its effect twice: then, and when it is read.
PASSED = (
    parked.c.position
    <= select(consumer.c.position)
    .where(consumer.c.name == parked.c.consumer, consumer.c.log == parked.c.log)
    .scalar_subquery()
)
