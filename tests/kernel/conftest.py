"""Each proof runs on a plant of its own, on both databases."""

from collections.abc import Iterator

import pytest

from tests.kernel.plant import Plant


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Both databases, in turn."""
    return str(request.param)


@pytest.fixture
def plant(database_url: str) -> Iterator[Plant]:
    """A fresh plant, in its application's context."""
    made = Plant(database_url)
    with made.app.app_context():
        yield made
    made.close()


@pytest.fixture
def quiet_plant(database_url: str) -> Iterator[Plant]:
    """The same without the consumer that echoes: half the events, positions easy to count."""
    made = Plant(database_url, echo=False)
    with made.app.app_context():
        yield made
    made.close()
