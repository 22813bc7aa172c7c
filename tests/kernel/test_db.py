"""The one way to the database: what waits, what does not, and what is refused."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, exc, insert, select, text, update

from ates.kernel import driver
from ates.kernel.bus import publish
from ates.kernel.db import WORK, Database, Limits, after_commit
from ates.kernel.driver import pipelined
from ates.kernel.errors import Conflict, DatabaseAway, is_outage
from tests.kernel import toy
from tests.kernel.faults import Away
from tests.kernel.plant import Plant

sqlite = pytest.mark.parametrize("backend", ["sqlite"])
postgresql = pytest.mark.parametrize("backend", ["postgresql"])
HASTY = Limits(connect=1, pool=0.3, lock=0.3, read=0.4, write=0.6, grace=0.3, pool_size=2)


@pytest.fixture
def hasty(plant: Plant) -> Iterator[Database]:
    """The plant's database for somebody who waits for nothing long."""
    made = Database(plant.url, HASTY, unsafe=True)
    yield made
    made.close()


def test_reading_never_waits_for_a_writer(plant: Plant, hasty: Database) -> None:
    plant.bump(1)
    with plant.database.transaction() as writer:
        toy.bump(writer, 1, 5)
        writer.flush()
        began = time.monotonic()
        with hasty.reading() as reader:
            assert [each.said for each in reader.scalars(select(toy.Thing))] == [1]
        assert time.monotonic() - began < 0.25


def test_a_page_is_one_snapshot(plant: Plant, hasty: Database) -> None:
    plant.bump(1)
    with hasty.reading() as reader:
        before = [row.said for row in reader.execute(select(toy.Thing.said))]
        plant.bump(1)
        assert [row.said for row in reader.execute(select(toy.Thing.said))] == before


def test_reading_cannot_write_and_writing_can_again(plant: Plant, hasty: Database) -> None:
    for _ in range(3):  # the same connections serve both
        with pytest.raises(exc.DBAPIError), hasty.reading() as reader:
            reader.execute(delete(toy.sums))
        with hasty.transaction() as writer:
            writer.execute(delete(toy.sums))


def test_a_writer_that_lost_the_race_is_told_so(plant: Plant) -> None:
    """Two people change one row: the second hears of a conflict, and said nothing."""
    plant.bump(1)
    with plant.database.reading() as session:
        old = session.get_one(toy.Thing, toy.thing_id(1))
    plant.bump(1)

    def change() -> None:
        with plant.database.transaction() as session:
            mine = session.merge(old, load=False)
            mine.total = 7
            event = toy.Bumped(thing_id=mine.id, key_version=mine.next_version(), n=7)
            publish(session, event)

    with pytest.raises(Conflict):
        change()
    plant.settle()
    assert plant.violated() == set()
    assert plant.events() == 4, "two bumps and their echoes"


def test_what_waits_for_the_commit_is_done_after_it_once_or_never(plant: Plant) -> None:
    done: list[str] = []
    with plant.database.transaction() as session:
        after_commit(session, "ring", lambda: done.append("first"))
        with session.begin_nested():
            toy.bump(session, 1, 1)
        assert done == [], "a savepoint is not a commit"
        after_commit(session, "ring", lambda: done.append("second"))
    assert done == ["second"]
    with suppress(Away), plant.database.transaction() as session:
        after_commit(session, "ring", lambda: done.append("never"))
        raise Away
    assert done == ["second"]


@pytest.mark.parametrize("way", ["transaction", "begun"])
def test_what_a_session_holds_is_written_at_the_end_or_not_at_all(plant: Plant, way: str) -> None:
    opened, done = getattr(plant.database, way), list[str]()
    with opened() as session:
        after_commit(session, "told", lambda: done.append("told"))
        toy.bump(session, 1, 5).total = 9  # later than its event, which wrote the row
    with suppress(Away), opened() as session:
        after_commit(session, "told", lambda: done.append("never"))
        toy.bump(session, 1, 5)
        raise Away
    with plant.database.reading() as session:
        assert session.scalars(select(toy.Thing.total)).all() == [9]
    assert done == ["told"]


def test_a_session_that_gets_another_connection_speaks_to_that_one(plant: Plant) -> None:
    written = insert(toy.sums).values(consumer="x", key="y", events=1, total=1)
    text_of = str(written.compile(compile_kwargs={"literal_binds": True}))
    with plant.database.session() as session:
        with session.begin():
            driver.send(session, "SELECT 1")
        taken = plant.database.engine.connect()  # the one that was given back
        with taken, suppress(Away), session.begin():
            driver.send(session, text_of)
            raise Away
    with plant.database.reading() as session:
        assert session.execute(select(toy.sums)).all() == []


def test_a_lock_that_is_held_too_long_is_an_outage(plant: Plant, hasty: Database) -> None:
    plant.bump(1)
    with plant.database.transaction() as writer:
        toy.bump(writer, 1, 5)
        writer.flush()
        began = time.monotonic()
        with pytest.raises(exc.OperationalError) as raised, hasty.transaction() as second:
            toy.held(second, toy.thing_id(1))
        assert 0.2 < time.monotonic() - began < 1.5
    assert is_outage(raised.value)


@sqlite
def test_a_writer_gets_its_turn_milliseconds_after_the_lock_is_free(
    plant: Plant, hasty: Database
) -> None:
    """SQLite's own handler sleeps up to 100 ms between its looks."""
    waits = []
    for _ in range(5):
        held, released = threading.Event(), [0.0]

        def hold(held: threading.Event = held, released: list[float] = released) -> None:
            with plant.database.transaction() as session:
                session.execute(delete(toy.sums))
                held.set()
                time.sleep(0.12)
            released[0] = time.monotonic()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(5)
        with hasty.transaction() as session:
            session.execute(delete(toy.sums))
        waits.append(time.monotonic() - released[0])
        holder.join()
    assert min(waits) < 0.02


@sqlite
def test_sqlite_is_as_strict_as_we_need_it(plant: Plant) -> None:
    with plant.database.reading() as session:
        found = [
            session.scalar(text(f"PRAGMA {name}"))
            for name in ("trusted_schema", "mmap_size", "recursive_triggers", "foreign_keys")
        ]
    assert found == [0, 0, 1, 1]
    with pytest.raises(exc.IntegrityError), plant.database.transaction() as session:
        session.execute(text("INSERT INTO toy_sum VALUES ('a', 'b', 'many', 1)"))


@sqlite
def test_a_database_that_is_gone_does_not_come_back_empty(plant: Plant, tmp_path: Path) -> None:
    gone = Database(f"sqlite:///{tmp_path / 'gone.sqlite3'}", WORK)
    with pytest.raises(DatabaseAway), gone.reading() as session:
        session.execute(text("SELECT 1"))
    gone.close()
    assert not (tmp_path / "gone.sqlite3").exists()


@sqlite
def test_a_file_that_is_no_database_is_away(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear popug, this is no database. " * 100)
    wrong = Database(f"sqlite:///{tmp_path / 'letter.txt'}", WORK)
    with pytest.raises(DatabaseAway), wrong.reading() as session:
        session.execute(text("SELECT * FROM sqlite_master"))
    wrong.close()


@postgresql
def test_the_server_ends_what_takes_too_long(plant: Plant, hasty: Database) -> None:
    for mode, limit in ((hasty.reading, 0.4), (hasty.transaction, 0.6)):
        began = time.monotonic()
        with pytest.raises(exc.OperationalError) as raised, mode() as session:
            session.execute(text("SELECT pg_sleep(5)"))
        assert limit - 0.1 < time.monotonic() - began < limit + 0.5
        assert is_outage(raised.value)


@postgresql
def test_postgresql_reads_back_what_was_asked_for(plant: Plant, hasty: Database) -> None:
    with hasty.transaction() as session:
        found = {
            name: session.scalar(text(f"SHOW {name}"))
            for name in (
                "TimeZone",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_isolation",
            )
        }
    assert found == {
        "TimeZone": "UTC",
        "lock_timeout": "300ms",
        "idle_in_transaction_session_timeout": "10s",
        "transaction_isolation": "read committed",
    }


@postgresql
def test_a_connection_that_was_cut_is_an_outage_and_the_next_one_works(plant: Plant) -> None:

    def write() -> None:
        with plant.database.transaction() as session:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            with plant.database.transaction() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            session.execute(insert(toy.sums).values(consumer="x", key="y", events=1, total=1))

    with pytest.raises(DatabaseAway):
        write()
    with plant.database.reading() as session:
        assert session.execute(select(toy.sums)).all() == []


@sqlite
def test_sqlite_compiles_a_statement_once_whatever_is_read_in_between(plant: Plant) -> None:
    compiled: list[Any] = []

    def note(_action: int, *about: Any) -> int:
        compiled.append(about[:2])
        return 0

    with plant.database.transaction() as session:
        raw: Any = session.connection().connection.dbapi_connection
        raw.set_authorizer(note)
    for _ in range(3):
        with plant.database.transaction() as session:
            session.execute(update(toy.sums).values(events=1))
        with plant.database.reading() as session:
            assert session.execute(select(toy.sums)).all() == []
    assert compiled.count((toy.sums.name, "events")) == 1


@postgresql
def test_a_connection_that_was_cut_in_a_pipeline_is_an_outage_too(plant: Plant) -> None:

    def write() -> None:
        with plant.database.transaction() as session:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            with pipelined(session):
                session.execute(insert(toy.sums).values(consumer="x", key="y", events=1, total=1))
                with plant.database.transaction() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})

    with pytest.raises(DatabaseAway):
        write()
    with plant.database.reading() as session:
        assert session.execute(select(toy.sums)).all() == []


@postgresql
def test_a_batch_whose_connection_was_cut_meets_an_outage_however_often_it_asks(
    plant: Plant,
) -> None:
    seen: list[bool] = []

    def write() -> None:
        with plant.database.begun() as session:
            own = driver.send(session, "SELECT pg_backend_pid()").fetchone()[0]
            with plant.database.transaction() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            for _ in range(2):
                try:
                    driver.send(session, "SELECT 1")
                except exc.DBAPIError as error:
                    seen.append(is_outage(error))
            driver.send(session, "SELECT 1")

    with pytest.raises(DatabaseAway):
        write()
    assert seen == [True, True]
    with plant.database.begun() as session:
        assert driver.send(session, "SELECT 1").fetchone() == (1,)


def test_a_full_pool_is_an_outage(plant: Plant, hasty: Database) -> None:
    open_ones = [hasty.session("read") for _ in range(4)]
    try:
        for each in open_ones:
            each.begin()
            each.execute(text("SELECT 1"))
        began = time.monotonic()
        with pytest.raises(exc.TimeoutError) as raised, hasty.reading() as session:
            session.execute(text("SELECT 1"))
        assert time.monotonic() - began < 1
        assert is_outage(raised.value)
    finally:
        for each in open_ones:
            each.close()


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (ValueError("poison"), False),
        (Away(), True),
        (MemoryError(), True),
        (OSError(28, "No space left on device"), True),
        (sqlite3.IntegrityError("UNIQUE"), False),
    ],
)
def test_poison_is_told_from_an_outage(error: Exception, outage: bool) -> None:
    assert is_outage(error) is outage
