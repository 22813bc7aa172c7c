"""What somebody with the database at hand could do, triggers off: for tests of the proof."""

from sqlalchemy import text

from ates.accounting.models import Base
from ates.kernel import db
from tests.accounting.make import Office


def unguard(office: Office) -> None:
    """Take the triggers and foreign keys out of the way."""
    with office.database.transaction() as session:
        if db.is_sqlite(session):
            names = session.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))
            return
        for table in Base.metadata.tables:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))


def alter(office: Office, *statements: str) -> None:
    """Run statements in one transaction; SQLite looks at foreign keys at its end only."""
    with office.database.transaction() as session:
        if db.is_sqlite(session):
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
        for statement in statements:
            session.execute(text(statement))
