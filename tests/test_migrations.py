"""The history of migrations makes exactly the tables that the code describes, and can be undone."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, inspect, text

from ates.app import CONTEXTS
from ates.kernel import migrate
from ates.kernel.db import Database
from ates.kernel.errors import ConfigError
from ates.kernel.tables import KERNEL

from .engines import postgres
from .engines.marks import both

DESCRIBED = [KERNEL, *(part.tables for part in CONTEXTS)]


@pytest.fixture
def empty(backend: str, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if backend == "sqlite":
        (tmp_path / "empty.sqlite3").touch()
        database = migrate.long(f"sqlite:///{tmp_path / 'empty.sqlite3'}", unsafe=True)
        yield database
        database.close()
        return
    server = postgres.server()
    name = server.make(template="template0")
    database = migrate.long(server.url(name), unsafe=True)
    yield database
    database.close()
    server.drop(name)


@both
def test_models_and_migrations_agree(empty: Database) -> None:
    """`alembic check`: types, nullability, indexes, constraints, defaults."""
    migrate.prepare(empty)
    with empty.reading() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert differences(context) == []


@both
def test_the_database_checks_what_the_models_say(empty: Database) -> None:
    """CHECK rules and primary keys, at which autogenerate does not look."""
    migrate.prepare(empty)
    with empty.reading() as session:
        found = inspect(session.connection())
        for tables in DESCRIBED:
            for table in tables.sorted_tables:
                rules = {each["name"] for each in found.get_check_constraints(table.name)}
                said = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
                assert said == rules, table.name
                key = found.get_pk_constraint(table.name)["constrained_columns"]
                assert [column.name for column in table.primary_key] == key, table.name


@both
def test_every_migration_can_be_undone_and_done_again(empty: Database) -> None:
    migrate.prepare(empty)
    first = shape(empty)
    for script in list(migrate._scripts().walk_revisions()):
        step(empty, "downgrade", str(script.down_revision or "base"))
    with empty.reading() as session:
        assert inspect(session.connection()).get_table_names() == ["alembic_version"]
        assert leftovers(session.connection()) == []
    migrate.prepare(empty)
    assert shape(empty) == first


@both
def test_prices_of_before_their_sums_are_counted(empty: Database) -> None:
    migrate.prepare(empty)
    step(empty, "downgrade", "0011")
    price = "INSERT INTO accounting_price VALUES ('{}', {}, {}, 1, '2025-03-27 09:00:00+00:00')"
    with empty.transaction() as session:
        for task, fee, reward in ((1, 1000, 4000), (2, 1000, 2000), (3, 2000, 4000)):
            session.execute(text(price.format(UUID(int=task), fee, reward)))
    step(empty, "upgrade", "head")
    with empty.reading() as session:
        rows = session.execute(text("SELECT kind, cents, tasks FROM accounting_price_total"))
        assert sorted(map(tuple, rows)) == [
            ("fee", 1000, 2), ("fee", 2000, 1), ("reward", 2000, 1), ("reward", 4000, 2),
        ]  # fmt: skip


@both
def test_applying_twice_changes_nothing(empty: Database) -> None:
    migrate.prepare(empty)
    first = shape(empty)
    migrate.prepare(empty)
    migrate.check(empty)
    assert shape(empty) == first


@both
def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    migrate.prepare(empty)
    with empty.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (migrate.prepare, migrate.check):
        with pytest.raises(ConfigError, match="newer version"):
            refuse(empty)


@both
def test_a_database_of_an_older_version_is_refused(empty: Database) -> None:
    with pytest.raises(ConfigError, match="version none"):
        migrate.check(empty)


def test_history_is_one_line() -> None:
    scripts = migrate._scripts()
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


# --- helpers --------------------------------------------------------------------------------------


def differences(context: MigrationContext) -> list[Any]:
    """What autogenerate would write for all parts together."""
    whole = MetaData()
    for tables in DESCRIBED:
        for table in tables.sorted_tables:
            copy = table.to_metadata(whole)
            if context.dialect.name == "sqlite":  # numbers rows by AUTOINCREMENT, not by IDENTITY
                for column in copy.columns:
                    if column.identity is not None:
                        column.identity = column.server_default = None
    with warnings.catch_warnings():  # indexes on expressions are the migrations' own
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression")
        found = list(compare_metadata(context, whole))
    return [each for each in found if not _on_expression(each)]


def _on_expression(difference: Any) -> bool:
    names = {"ix_event_log_correlation", "ix_event_log_causation"}
    return difference[0] == "remove_index" and difference[1].name in names


def step(database: Database, direction: str, target: str) -> None:
    with database.session("write") as session, session.begin():
        config = migrate._config(session.connection())
        getattr(command, direction)(config, target)


def shape(database: Database) -> list[Any]:
    """Everything the database knows of its own schema."""
    with database.reading() as session:
        return sorted(map(tuple, objects(session.connection())))


def leftovers(connection: Connection) -> list[Any]:
    """What is there beside Alembic's own table."""
    return [each for each in objects(connection) if "alembic_version" not in str(each)]


def objects(connection: Connection) -> list[Any]:
    if connection.dialect.name == "sqlite":
        query = (
            "SELECT type, name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        return list(connection.exec_driver_sql(query))
    queries = [
        "SELECT table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "SELECT sequencename, cache_size FROM pg_sequences WHERE schemaname = 'public'",
    ]
    return [row for query in queries for row in connection.exec_driver_sql(query)]
