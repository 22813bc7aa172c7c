"""Fixtures of tasks' tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from ates.kernel import bus, outbox
from ates.kernel.db import Database
from ates.kernel.tables import KERNEL
from ates.tasks.models import Base, Head


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    import os

    url = os.environ.get("TMP_PG") or f"sqlite:///{tmp_path / 'ates.sqlite3'}"
    database = Database(url, unsafe=True)
    if database.is_sqlite:
        (tmp_path / "ates.sqlite3").touch()
    with database.transaction() as first:
        c = first.connection()
        KERNEL.drop_all(c)
        Base.metadata.drop_all(c)
        KERNEL.create_all(c)
        Base.metadata.create_all(c)
        first.add_all([Head(name="task", last=0), Head(name="run", last=0)])
    bus.published.connect(outbox.store, weak=False)
    with database.session() as session:
        session.begin()
        yield session
        session.rollback()
    database.close()


@pytest.fixture
def said() -> Iterator[list[Any]]:
    heard: list[Any] = []

    def listen(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        heard.extend(events)

    bus.published.connect(listen, weak=False)
    yield heard
    bus.published.disconnect(listen)
