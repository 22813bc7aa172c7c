"""Books on a fresh database of either kind."""

from collections.abc import Iterator

import pytest
from flask import Flask

from .make import Office


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """Empty books, within the application's context."""
    with app.app_context():
        yield Office(app.extensions["ates.database"])
