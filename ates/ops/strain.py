"""What the database itself suffers from: transactions that stay open, a WAL that grows."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from ates.kernel.db import is_sqlite

WRITING = 60.0  # seconds a transaction may write; the grace of a day's close rests on it
WAL = 100_000_000  # bytes; then some reader has not let go for long

OPEN = text("""
    SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) AS oldest,
           max(extract(epoch FROM clock_timestamp() - xact_start))
               FILTER (WHERE backend_xid IS NOT NULL) AS writing,
           (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()""")


@dataclass(frozen=True)
class Strain:
    """One look; None is what this kind of database does not have."""

    oldest_transaction: float | None = None  # seconds
    oldest_writer: float | None = None  # the same of those that have written something
    prepared: int | None = None  # transactions prepared to be committed, and left so
    wal_bytes: int | None = None

    def sentences(self) -> list[str]:
        """What of it is an alarm (events.md, chapter 11)."""
        found = []
        if self.oldest_writer is not None and self.oldest_writer > WRITING:
            found.append(f"A transaction that writes is open for {self.oldest_writer:.0f} s.")
        if self.prepared:
            found.append(f"Prepared transactions that nobody ends: {self.prepared}.")
        if self.wal_bytes is not None and self.wal_bytes > WAL:
            found.append(f"The WAL has grown to {self.wal_bytes / 1_000_000:.0f} MB.")
        return found


def look(session: Session) -> Strain:
    """The database of `session`; of other roles' transactions PostgreSQL tells no times."""
    if is_sqlite(session):
        return Strain(wal_bytes=_wal(session))
    row = session.execute(OPEN).one()
    return Strain(
        oldest_transaction=float(row.oldest or 0),
        oldest_writer=float(row.writing or 0),
        prepared=row.prepared,
    )


def _wal(session: Session) -> int | None:
    path = session.get_bind().engine.url.database
    if not path or path == ":memory:":
        return None
    try:
        return Path(f"{path}-wal").stat().st_size
    except FileNotFoundError:
        return 0
