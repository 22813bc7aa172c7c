"""Many rows in one statement: what goes in comes out, whatever it holds, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from ates.kernel import ids, many
from ates.kernel.driver import pipelined
from ates.kernel.tables import outbox
from tests.engines.marks import both

pytestmark = both

NASTY = (
    "plain", "", "NULL", r"\N", "a\tb\nc\rd", '{"a","b"}', 'quote " and \\ and \\" and \\\\t',
    "попугай 🦜", "{}", ",", " ", r"\x00",
)  # fmt: skip
MOMENT = datetime(2026, 11, 24, 10, 0, 0, 5, tzinfo=UTC)


def row(word: str, **more: Any) -> dict[str, Any]:
    values = {
        "event_id": ids.new(),
        "source": word,
        "type": word,
        "version": 1,
        "key": word,
        "key_version": 7,
        "occurred_at": MOMENT,
        "data": word,
        "meta": "{}",
        "held": None,
    }
    return {**values, **more}


@pytest.mark.parametrize("times", [1, 5], ids=["few rows", "many rows"])
def test_every_text_comes_back_as_it_was(session: Session, times: int) -> None:
    rows = [row(word) for _ in range(times) for word in NASTY]
    many.write(session, outbox, rows)
    found = session.execute(select(outbox).order_by(outbox.c.seq)).all()
    assert [{**each._mapping, "seq": None} for each in found] == [
        {**each, "seq": None} for each in rows
    ]


@pytest.mark.parametrize("count", [2, 60])
def test_a_moment_of_any_zone_comes_back_in_utc(session: Session, count: int) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    moments = [MOMENT + timedelta(seconds=n) for n in range(count)]
    exact = [moment.replace(microsecond=0).astimezone(zone) for moment in moments]
    many.write(session, outbox, [row("x", occurred_at=moment) for moment in exact])
    found = session.scalars(select(outbox.c.occurred_at).order_by(outbox.c.seq)).all()
    assert found == exact
    assert {each.tzinfo for each in found} == {UTC}


@pytest.mark.parametrize("count", [2, 60])
def test_a_naive_moment_is_refused(session: Session, count: int) -> None:
    naive = MOMENT.replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        many.write(session, outbox, [row("x", occurred_at=naive)] * count)


@pytest.mark.parametrize("count", [2, 60])
def test_a_refusal_of_the_database_has_its_usual_name(session: Session, count: int) -> None:
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        many.write(session, outbox, [row("x", key_version=0)] * count)
    many.write(session, outbox, [row("x")])  # and the transaction goes on
    assert len(session.execute(select(outbox)).all()) == 1


@pytest.mark.parametrize("count", [2, 60])
def test_what_is_sent_in_a_pipeline_is_there_at_its_end_in_order(
    session: Session, count: int
) -> None:
    with pipelined(session):
        for number in range(3):
            many.write(session, outbox, [row(f"{number}", version=n + 1) for n in range(count)])
    found = session.execute(select(outbox.c.type, outbox.c.version).order_by(outbox.c.seq)).all()
    assert found == [(f"{number}", n + 1) for number in range(3) for n in range(count)]


@pytest.mark.parametrize("count", [2, 60])
def test_what_is_refused_in_a_pipeline_has_its_usual_name(session: Session, count: int) -> None:
    def write() -> None:
        with session.begin_nested(), pipelined(session):
            many.write(session, outbox, [row("x", key_version=0)] * count)
            many.write(session, outbox, [row("y")] * count)

    with pytest.raises(exc.IntegrityError):
        write()
    many.write(session, outbox, [row("z")])  # and the transaction goes on
    assert session.scalars(select(outbox.c.type)).all() == ["z"]


def test_rows_are_found_by_ids(session: Session) -> None:
    rows = [row(str(number), version=number) for number in range(30)]
    many.write(session, outbox, rows)
    wanted = [rows[3]["event_id"], rows[7]["event_id"], ids.new()]
    found = many.find(
        session, outbox.c.event_id, wanted, "event_id", "version", "occurred_at", "held"
    )
    assert sorted(found) == [(wanted[0], 3, MOMENT, None), (wanted[1], 7, MOMENT, None)]
    assert many.find(session, outbox.c.event_id, [], "version") == []
