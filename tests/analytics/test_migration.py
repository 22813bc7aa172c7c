"""A database with figures of before: they are made again from the log, to the same."""

from flask import Flask
from sqlalchemy import func, select

from ates.analytics.models import DaySum
from ates.analytics.verify import verify
from ates.kernel import delivery, migrate
from ates.kernel.db import Database, reading, transaction
from ates.kernel.tables import consumer
from tests.analytics import make
from tests.analytics.test_verify import log_of, story
from tests.engines.marks import both
from tests.test_migrations import step


@both
def test_figures_of_before_come_again_from_the_log(app: Flask, database: Database) -> None:
    with app.app_context():
        with transaction("analytics") as session:
            log_of(session, story())
        with reading("analytics") as session:
            before = make.tables(session)
        step(database, "downgrade", "0009")
        migrate.prepare(database)
        with reading("analytics") as session:
            assert session.scalar(select(func.count()).select_from(DaySum)) == 0
            mine = select(consumer.c.position).where(consumer.c.name == "analytics")
            assert session.scalar(mine) == 0
        assert delivery.drain_all(database, [app.extensions["ates.inboxes"]["analytics"]], 30)
        with reading("analytics") as session:
            assert make.tables(session) == before
            assert verify(session, full=True).differences == ()
