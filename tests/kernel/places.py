"""Clusters and plants that a proof may hurt."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ates.kernel import migrate
from tests.engines import postgres
from tests.kernel.plant import Plant


@contextmanager
def plant_on(url: str, *, fresh: bool = True) -> Iterator[Plant]:
    """A plant on a database of its own: migrated first, or as it was restored."""
    if fresh:
        database = migrate.long(url)
        migrate.prepare(database)
        database.close()
    plant = Plant(url, durable=fresh)
    with plant.app.app_context():
        yield plant
    plant.close()


def dump_and_restore(source: str, target: str) -> None:
    """What a backup script does."""
    plain = [each.replace("postgresql+psycopg", "postgresql") for each in (source, target)]
    dump = subprocess.run(
        [postgres._binary("pg_dump"), "--no-owner", plain[0]], check=True, capture_output=True
    )
    subprocess.run(
        [postgres._binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", plain[1]],
        input=dump.stdout,
        check=True,
        stdout=subprocess.DEVNULL,
    )
