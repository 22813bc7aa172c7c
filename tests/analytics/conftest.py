"""A database with the tables of analytics and of the kernel alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ates.analytics.models import Base
from ates.kernel.db import Database
from ates.kernel.tables import KERNEL


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session whose transaction is rolled back."""
    (tmp_path / "sums.sqlite3").touch()
    database = Database(f"sqlite:///{tmp_path / 'sums.sqlite3'}", unsafe=True)
    with database.transaction() as begun:
        for metadata in (KERNEL, Base.metadata):
            metadata.create_all(begun.connection())
    with database.session() as opened:
        opened.begin()
        yield opened
        opened.rollback()
    database.close()
