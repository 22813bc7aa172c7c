"""The one way to the database: `transaction` to write, `reading` for a page's snapshot."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flask import Flask, current_app
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, exc, make_url
from sqlalchemy.engine import URL
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from ates.kernel import clock, durable
from ates.kernel.deadline import Deadline
from ates.kernel.errors import plain_faults
from ates.kernel.types import BigInt

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = "
STRICT: dict[str, Any] = {"sqlite_strict": True}  # no float or word enters an INTEGER column


def metadata() -> MetaData:
    """A part's own MetaData: a foreign key into another part's table cannot even be written."""
    return MetaData(naming_convention=NAMING)


class Aggregate:
    """A row that says events: `said` counts them and guards against a lost race.

    Two writers of one row: the second gets StaleDataError (a Conflict for the person), never a
    second event with the same number.
    """

    said: Mapped[int] = mapped_column(BigInt, default=0)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        said = cls.__table__.c.said  # type: ignore[attr-defined] # mapped by the class that mixes in
        return {"version_id_col": said, "version_id_generator": False}

    def next_version(self) -> int:
        """The number of this row's next event."""
        self.said += 1
        return self.said


@dataclass(frozen=True)
class Limits:
    """How long a process waits for the database, in seconds (resilience.md, chapter 3)."""

    connect: float
    pool: float
    lock: float
    read: float  # the server ends a reading statement
    write: float  # the server ends a writing statement
    grace: float  # how much longer the client waits: only a silent server meets this limit
    pool_size: int
    idle: float = 10  # a holder of locks that says nothing loses them


WEB = Limits(connect=2, pool=0.5, lock=1, read=0.9, write=2.7, grace=0.3, pool_size=10)
WEB_SQLITE_LOCK = 3.0
WORK = Limits(connect=5, pool=10, lock=10, read=30, write=30, grace=5, pool_size=5)
LONG = Limits(connect=5, pool=10, lock=10, read=600, write=600, grace=10, pool_size=5, idle=600)


class Database:
    """One database and its connections. Nothing is opened before the first use."""

    def __init__(self, url: str, limits: Limits = WEB, *, unsafe: bool = False) -> None:
        self.url: URL = make_url(url)
        self.limits = limits
        self.unsafe = unsafe  # throw-away test databases only
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine()
        self.readers = self._readers_of_sqlite() if self.is_sqlite else self.engine
        self._writing = self.engine.execution_options(ates_mode="write")
        self._reading = self.readers.execution_options(ates_mode="read")

    def session(self, mode: Literal["read", "write"] = "write") -> Session:
        """A session outside of the idioms below: the caller begins, commits and closes."""
        bind = self._writing if mode == "write" else self._reading
        return Session(bind, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Write: commits on leaving, rolls back on an error; then does what waits for that."""
        with plain_faults(), self.session("write") as session:
            with session.begin():
                yield session
            waiting = session.info.pop("after_commit", {})
        for act in waiting.values():
            act()

    @contextmanager
    def begun(self) -> Iterator[Session]:
        """The same for a batch: begun at once, and spoken to past SQLAlchemy (kernel.driver), whose
        session joins in if somebody uses it."""
        with (
            plain_faults(),
            self._writing.begin() as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            session.info["driver"] = None, connection, connection.connection.dbapi_connection
            yield session
            session.flush()  # what it holds; the connection commits
        for act in session.info.pop("after_commit", {}).values():
            act()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read one snapshot; never waits for a writer, and cannot write."""
        with plain_faults(), self.session("read") as session, session.begin():
            session.info["reading"] = True
            yield session

    def close(self) -> None:
        """Let go of every connection; the next use opens new ones."""
        for engine in (self.engine, self.readers):
            engine.dispose()
            engine.clear_compiled_cache()  # mappers remember the dialect, and it the rest

    def _engine(self) -> Engine:
        common: dict[str, Any] = {
            "hide_parameters": True,
            "pool_size": self.limits.pool_size,
            "max_overflow": self.limits.pool_size,
            "pool_timeout": self.limits.pool,
        }
        if self.is_sqlite:
            engine = create_engine(self.url, connect_args={"check_same_thread": False}, **common)
            event.listen(engine, "do_connect", self._connect_sqlite)
            event.listen(engine, "connect", self._settle_sqlite)
            event.listen(engine, "begin", self._begin_sqlite)
        else:
            engine = create_engine(self.url, isolation_level="READ COMMITTED", **common)
            event.listen(engine, "do_connect", self._connect_postgresql)
            event.listen(engine, "begin", self._begin_postgresql)
        return engine

    # --- SQLite ---------------------------------------------------------------------------------

    def _readers_of_sqlite(self) -> Engine:
        """Connections of their own, which cannot write: to switch one from reading to writing makes
        SQLite read all of its statements anew. What listens to `engine` hears of these too."""
        engine = self._engine()
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
        event.remove(engine, "begin", self._begin_sqlite)  # it comes with all others
        engine.dispatch = engine.dispatch._join(self.engine.dispatch)
        return engine

    def _connect_sqlite(self, dialect: Any, record: Any, cargs: Any, cparams: Any) -> Any:
        """Open an existing file only: a database that is gone must not come back empty."""
        path = self.url.database or ""
        if path in ("", ":memory:"):
            return None
        uri = Path(path).absolute().as_uri() + "?mode=rw"
        return sqlite3.connect(
            uri, uri=True, timeout=self.sqlite_lock, isolation_level=None, check_same_thread=False
        )

    @property
    def sqlite_lock(self) -> float:
        return WEB_SQLITE_LOCK if self.limits is WEB else self.limits.lock

    def _settle_sqlite(self, raw: Any, _record: ConnectionPoolEntry) -> None:
        durable.settle_sqlite(raw, self.url.database or "", unsafe=self.unsafe)

    def _begin_sqlite(self, connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        cursor = raw.cursor()  # past SQLAlchemy, which would take longer than the statement
        if connection.get_execution_options().get("ates_mode") == "read":
            cursor.execute("BEGIN DEFERRED")
            return
        # SQLite's own busy handler sleeps up to 100 ms, so that a drain which takes the lock again
        # and again starves requests for seconds: ask every millisecond instead.
        until = clock.monotonic() + self.sqlite_lock
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    cursor.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    busy = error.sqlite_errorname.startswith("SQLITE_BUSY")  # _RECOVERY too
                    if not busy or clock.monotonic() > until:
                        raise exc.OperationalError("BEGIN IMMEDIATE", None, error) from error
                clock.sleep(0.001)
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(self.sqlite_lock * 1000)}")
            cursor.close()

    # --- PostgreSQL -----------------------------------------------------------------------------

    def _connect_postgresql(self, dialect: Any, record: Any, cargs: Any, cparams: Any) -> Any:
        limits = self.limits
        settings: dict[str, Any] = {
            "TimeZone": "UTC",
            "jit": "off",  # slower than our statements
            "lock_timeout": _ms(limits.lock),
            "statement_timeout": _ms(limits.write),
            "idle_in_transaction_session_timeout": _ms(limits.idle),  # frozen, it loses its locks
        }
        if self.unsafe:
            settings["synchronous_commit"] = "off"
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        cparams = {**cparams, "connect_timeout": max(2, int(limits.connect)), "options": options}
        connection = Deadline.connect(*cargs, **cparams)
        connection.deadline = limits.write + limits.grace
        if not self.unsafe:
            try:
                durable.check_postgresql(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _begin_postgresql(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        reads = options.get("ates_mode") == "read"
        raw: Any = connection.connection.dbapi_connection
        # Else the driver says BEGIN by itself: one more way to the server.
        raw.autocommit = reads or options.get("isolation_level") == "AUTOCOMMIT"
        if reads:
            connection.exec_driver_sql(f"{SNAPSHOT}{_ms(self.limits.read)}")


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


# --- the application's database ------------------------------------------------------------------


def init_app(app: Flask, database: Database) -> None:
    """Give the application its database. Nothing is connected yet."""
    app.extensions["ates.database"] = database


def database(part: str) -> Database:
    """The database of a part. All parts share one; a part taken out will have its own."""
    found = current_app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found


@contextmanager
def transaction(part: str) -> Iterator[Session]:
    """One act of `part`: commits on leaving, rolls back on any error.

    Raises Conflict for a lost race on a row, DatabaseAway when the database cannot be reached.
    """
    with database(part).transaction() as session:
        yield session


@contextmanager
def reading(part: str) -> Iterator[Session]:
    """One snapshot for one page of `part`. Raises DatabaseAway."""
    with database(part).reading() as session:
        yield session


@contextmanager
def patient(part: str) -> Iterator[Database]:
    """The database of `part` with connections of its own, for what takes minutes: a whole proof."""
    usual = database(part)
    url = usual.url.render_as_string(hide_password=False)
    made = Database(url, LONG, unsafe=usual.unsafe)
    try:
        yield made
    finally:
        made.close()


def after_commit(session: Session, name: str, act: Callable[[], None]) -> None:
    """Call `act` once after the outermost commit of `session`; the same name is one act."""
    session.info.setdefault("after_commit", {})[name] = act


def is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
