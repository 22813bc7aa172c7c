"""Where worlds are played: one application, whose database is emptied for each of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, text, update

from ates.accounting.models import AuditHead, Base, Head, PostingKind
from ates.analytics.models import Base as AnalyticsBase
from ates.app import create_app
from ates.kernel.db import Database
from ates.kernel.tables import KERNEL, log_head
from tests.accounting.machine.world import World
from tests.accounting.make import BOOKS_KEYS
from tests.engines import postgres, sqlite
from tests.engines.settings import trial
from tests.engines.smtp import MailServer

KEPT: tuple[Any, ...] = (
    PostingKind.__table__,
    Head.__table__,
    AuditHead.__table__,
    log_head,
)
CHAIN_BEGIN: dict[str, Any] = {
    "last_entry_no": 0,
    "last_block_no": 0,
    "last_hash": bytes(32),
    "last_account_id": 0,
    "said": 0,
    "verified_block_no": 0,
}


class Stage:
    """The whole application on one database of a kind; `world()` begins anew on it."""

    def __init__(self, backend: str, folder: Path, mail: MailServer | None = None) -> None:
        self.file = folder / "books.sqlite3"
        self.end: Callable[[], None] = lambda: None
        if backend == "sqlite":
            url = sqlite.copy(self.file)
        else:
            server = postgres.server()
            name = server.make()
            self.end = lambda: server.drop(name)
            url = server.url(name)
        settings = trial(
            folder,
            url,
            books_keys=BOOKS_KEYS,
            mail_from="aTES <a@popug.test>",
            smtp_url=mail.url if mail else "",
        )
        self.app, self.mail = create_app(settings), mail
        self.database: Database = self.app.extensions["ates.database"]
        self.fresh = True

    def world(self, zone: str = "UTC") -> World:
        """Empty books in a zone."""
        if not self.fresh:
            self._empty()
        self.fresh = False
        if self.mail is not None:
            self.mail.mode = "accept"
            self.mail.letters.clear()
        return World(self.app, zone, self.mail)

    def close(self) -> None:
        self.database.close()
        self.end()

    def _empty(self) -> None:
        if self.database.is_sqlite:
            self.database.close()
            for ending in ("-wal", "-shm"):
                self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
            sqlite.copy(self.file)
            return
        with self.database.transaction() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            for table in _tables():
                session.execute(delete(table))
            session.execute(update(log_head).values(position=0))
            session.execute(update(Head).values(**CHAIN_BEGIN))
            session.execute(update(AuditHead).values(number=0, hash=bytes(32)))


def _tables() -> list[Table]:
    every = [
        *Base.metadata.sorted_tables,
        *AnalyticsBase.metadata.sorted_tables,
        *KERNEL.sorted_tables,
    ]
    return [table for table in every if not any(table is kept for kept in KEPT)]
