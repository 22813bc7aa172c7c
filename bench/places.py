"""Where it is measured: durable throw-away databases on a real disk, as production has them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask

from ates.app import create_app
from ates.kernel import db, delivery, migrate
from ates.kernel.db import WORK, Database
from tests.engines import postgres
from tests.engines.settings import trial

DISK = Path("/var/tmp")  # never a tmpfs, as /tmp may be
BOTH = ("sqlite", "postgresql")
_number = count(1)


@dataclass
class Place:
    """One kind of database, with fsync, and fresh copies of what was prepared in it."""

    kind: str
    folder: Path
    server: postgres.Server | None = None
    _migrated: str = ""
    _made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """The address of an empty database with today's schema."""
        if not self._migrated:
            url = self._new()
            database = migrate.long(url)
            migrate.prepare(database)
            database.close()
            self._migrated = url
        return self.copy(self._migrated)

    def copy(self, url: str) -> str:
        """The address of a copy; nobody may be connected to the original."""
        if self.server is None:
            target = self._new()
            shutil.copyfile(_path(url), _path(target))
            return target
        name = f"bench{next(_number)}"
        self.server.do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, _name(url))
        self.server.do("CHECKPOINT")
        return self.server.url(name)

    def drop(self, url: str) -> None:
        """Forget a copy."""
        if self.server is None:
            for ending in ("", "-wal", "-shm"):
                Path(f"{_path(url)}{ending}").unlink(missing_ok=True)
        else:
            self.server.drop(_name(url))

    def _new(self) -> str:
        name = f"bench{next(_number)}"
        if self.server is None:
            return f"sqlite:///{self.folder / name}.sqlite3"
        self.server.do("CREATE DATABASE {}", name)
        return self.server.url(name)


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@contextmanager
def folder() -> Iterator[Path]:
    """The folder of one run, gone with it; what the tests' engines start is kept in it too."""
    made = Path(tempfile.mkdtemp(prefix="ates-bench-", dir=DISK))
    made.chmod(0o755)  # the database server may be another user
    before = os.environ.get("ATES_TEST_RUN")
    os.environ["ATES_TEST_RUN"] = str(made)
    try:
        yield made
    finally:
        os.environ.pop("ATES_TEST_RUN")
        if before is not None:
            os.environ["ATES_TEST_RUN"] = before
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def places(kinds: tuple[str, ...], home: Path) -> Iterator[list[Place]]:
    """The asked kinds of databases, started once for all sections."""
    with ExitStack() as stack:
        found = []
        for kind in kinds:
            server = None
            if kind == "postgresql":
                server, _ = stack.enter_context(postgres.private())
            found.append(Place(kind, home, server))
        yield found


@contextmanager
def opened(url: str, data: Path, **changes: Any) -> Iterator[Flask]:
    """The application on a database, with the patience of a worker, inside its context."""
    app = create_app(trial(data, url, unsafe_database=False, **changes))
    database = Database(url, WORK)
    db.init_app(app, database)
    inboxes = app.extensions["ates.inboxes"].values()
    delivery.ensure_consumers(database, list(inboxes))
    try:
        with app.app_context():
            yield app
    finally:
        database.close()
