"""Analytics made anew from the log beside the live one: to identical figures (R21)."""

from flask import Flask
from sqlalchemy import select, update

from ates.analytics.models import DaySum
from ates.analytics.verify import verify
from ates.kernel.db import Database, reading, transaction
from ates.kernel.rebuild import Rebuild
from tests.analytics import make
from tests.analytics.test_verify import log_of, story
from tests.engines.marks import both


@both
def test_a_rebuilt_generation_has_the_same_rows_in_every_table(
    app: Flask, database: Database
) -> None:
    inbox = app.extensions["ates.inboxes"]["analytics"]
    with app.app_context():
        with transaction("analytics") as session:
            log_of(session, story())
        rebuild = Rebuild(database, inbox)
        assert rebuild.begin()
        rebuild.fill()
        with reading("analytics") as session:
            assert make.tables(session, 2) == make.tables(session, 1)
        assert rebuild.swap() == ("analytics@2", "analytics")
        with reading("analytics") as session:
            found = verify(session, full=True)
    assert (found.generation, found.differences) == (2, ())


def test_a_wrong_figure_is_mended_by_a_rebuild(app: Flask, database: Database) -> None:
    inbox = app.extensions["ates.inboxes"]["analytics"]
    with app.app_context():
        with transaction("analytics") as session:
            log_of(session, story())
            session.execute(update(DaySum).values(fee_cents=-1))
        rebuild = Rebuild(database, inbox)
        rebuild.begin()
        rebuild.fill()
        rebuild.swap()
        while rebuild.clear():
            pass
        with reading("analytics") as session:
            assert verify(session, full=True).differences == ()
            assert set(session.scalars(select(DaySum.generation))) == {2}
