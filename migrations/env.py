"""Alembic's entrance: one linear history over the tables of all parts and of the kernel."""

from alembic import context
from sqlalchemy import Connection

from ates.app import CONTEXTS
from ates.config import Config
from ates.kernel import db
from ates.kernel.tables import KERNEL


def migrate(connection: Connection) -> None:
    """Run what was asked for on this connection, all in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=[KERNEL, *(part.tables for part in CONTEXTS)],
        compare_server_default=True,
        render_as_batch=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Use the connection of a caller (ates.kernel.migrate), else the environment's database."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    config = Config.from_env()
    database = db.Database(config.database_url, db.LONG, unsafe=config.unsafe_database)
    with database.engine.connect() as connection:
        migrate(connection)
        connection.commit()


main()
