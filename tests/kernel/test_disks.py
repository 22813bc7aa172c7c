"""F14 and P12: full disks, and backups restored somewhere else."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import exc

from ates.kernel.errors import DatabaseAway, is_outage
from ates.ops import checks
from tests.engines import postgres
from tests.kernel.places import dump_and_restore, plant_on
from tests.kernel.plant import Plant

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


def work_until_it_fails(plant: Plant, tries: int) -> int:
    """How often it failed; each failure is an outage, never poison."""
    failures: list[Exception] = []
    for _ in range(tries):
        try:
            plant.bump_many(40)
            plant.drain("direct").run()
        except (exc.DBAPIError, DatabaseAway) as error:
            failures.append(error)
            if len(failures) > 5:
                break
    assert [each for each in failures if not is_outage(each)] == []
    return len(failures)


@contextmanager
def no_room(file: Path) -> Iterator[None]:
    """No file may grow much: SQLite meets EFBIG where a full disk gives ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, owner: os.stat_result) -> Iterator[Path]:
    """A disk of 40 MB."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)])


def fill(path: Path) -> None:
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_full_disk_parks_nothing_and_room_heals(plant: Plant) -> None:
    plant.bump_many(20)
    with no_room(Path(plant.url.removeprefix("sqlite:///") + "-wal")):
        assert work_until_it_fails(plant, 60) > 5
    assert plant.parked() == []
    plant.settle()
    plant.bump_many(20)
    plant.settle()
    assert plant.violated() == set()


def test_a_full_disk_of_postgresql_parks_nothing_and_room_heals() -> None:
    with postgres.private() as (server, data), small_disk(data.parent / "s", data.stat()) as disk:
        server.do(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.do("CREATE DATABASE {} TABLESPACE small", "tight")
        with plant_on(server.url("tight")) as plant:
            plant.bump_many(20)
            fill(disk / "filler")
            assert work_until_it_fails(plant, 400) > 5
            assert plant.parked() == []
            (disk / "filler").unlink()
            plant.settle()
            plant.bump_many(20)
            plant.settle()
            assert plant.violated() == set()
        server.drop("tight")
        server.do("DROP TABLESPACE small")


def test_all_holds_after_a_restore(plant: Plant, backend: str, tmp_path: Path) -> None:
    """Staged, unread, parked and blocked events are all in the backup, and go on from there."""
    plant.bump_many(30)
    plant.bump(2, poison="late")
    plant.bump(2)
    plant.drain("bulk", 3).batch()
    plant.drain("direct").run()
    plant.bump_many(10)
    if backend == "sqlite":
        copy = tmp_path / "restored.sqlite3"
        whole = plant.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with whole.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute(f"VACUUM INTO '{copy}'")
        _goes_on(plant, f"sqlite:///{copy}")
        return
    with postgres.private() as (server, _):
        server.do("CREATE DATABASE {}", "plant")
        dump_and_restore(plant.url, server.url("plant"))
        _goes_on(plant, server.url("plant"))


def _goes_on(plant: Plant, url: str) -> None:
    with plant_on(url, fresh=False) as restored:
        restored.seen, restored.n = plant.seen, plant.n
        restored.poisons.ever |= plant.poisons.ever
        restored.settle()
        restored.bump_many(10)
        restored.heal()
        assert restored.violated() == set()
        assert checks.verify(restored.database)[1] == []
        assert restored.parked() == []
