"""Versions: what old code said is read, what new code said waits for new code (P10, F16)."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from ates.kernel import bus, events
from ates.kernel.delivery import ensure_consumers
from ates.kernel.errors import UnknownEvent
from ates.kernel.events import contract_of, load
from ates.kernel.log import sequence
from ates.kernel.sweep import EventSweep
from ates.kernel.tables import consumer, event_log, log_head, outbox
from tests.kernel import toy
from tests.kernel.plant import Plant

sqlite = pytest.mark.parametrize("backend", ["sqlite"])


def _store_as(plant: Plant, **changes: Any) -> None:
    """Change what is staged, as another version of the code would have written it."""
    with plant.database.transaction() as session:
        session.execute(update(outbox).values(**changes))


def test_an_old_version_is_read_by_todays_handlers(plant: Plant) -> None:
    plant.bump(1)
    _store_as(plant, version=1, data='{"n":"41","thing_id":"%s"}' % toy.thing_id(1))  # noqa: UP031 - braces
    plant.settle()
    assert plant.sums("bulk")[f"thing_id:{toy.thing_id(1)}"] == (1, 41)
    assert plant.violated() == set()


def test_unknown_fields_are_dropped_and_missing_versions_named() -> None:
    events.contracts.update(toy.CONTRACTS)
    try:
        data = {"thing_id": str(toy.thing_id(1)), "n": 3, "colour": "green"}
        assert load("toy.bumped", 2, data, 4).n == 3
        for name, version in (("toy.bumped", 3), ("toy.bumped", 0), ("toy.never", 1)):
            with pytest.raises(UnknownEvent):
                load(name, version, data, 1)
    finally:
        for name in toy.CONTRACTS:
            events.contracts.pop(name)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 9}, "UnknownEvent"),
        ({"type": "toy.from_the_future"}, "UnknownEvent"),
        ({"data": '{"thing_id":"not an id","n":3}'}, "ValidationError"),
        ({"data": "{}"}, "ValidationError"),
    ],
)
def test_what_cannot_be_read_is_parked_never_dropped(
    plant: Plant, change: dict[str, Any], reason: str
) -> None:
    plant.bump(1)
    _store_as(plant, **change)
    plant.bump(2)
    plant.settle()
    parked = plant.parked()
    assert {row.error_class for row in parked} == {reason}
    assert {row.consumer for row in parked} >= {"direct", "bulk"}
    assert plant.effects("direct") == 1, "the other stream flows"


def test_what_old_code_parks_as_unknown_new_code_revives(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16: two versions of the code run; the new worker makes due what the old one parked."""
    plant.bump(1)
    _store_as(plant, version=3)
    plant.bump(1)
    plant.settle()
    assert {row.error_class for row in plant.parked()} == {"UnknownEvent", None}
    plant.begin()
    assert {row.attempts for row in plant.parked("retry")} == {1}, "still unknown: left alone"
    newer = replace(contract_of(toy.Bumped), version=3)
    # Given back before the plant closes and takes its contracts along: none may stay behind.
    with monkeypatch.context() as released:
        released.setitem(events.contracts, "toy.bumped", newer)
        released.setitem(events._upcasters, ("toy.bumped", 2), lambda data: data)
        plant.begin()
        plant.settle()
    assert plant.parked() == []
    assert plant.violated() == set()
    assert plant.effects("direct") == 2


def test_nothing_but_the_outbox_receives_what_is_published(plant: Plant) -> None:
    from_outside = list(bus.published.receivers.values())
    assert len(from_outside) == 1


def test_a_new_consumer_hears_the_log_from_its_beginning(plant: Plant) -> None:
    plant.bump_many(7)
    plant.settle()
    plant.inboxes["late"] = toy.direct(plant.poisons, "late")
    ensure_consumers(plant.database, [plant.inboxes["late"]])
    ensure_consumers(plant.database, [plant.inboxes["late"]])
    plant.settle()
    assert plant.effects("late") == 7
    assert plant.violated() == set()


@sqlite
def test_seq_is_never_given_twice(plant: Plant) -> None:
    plant.bump(1)
    with plant.database.reading() as session:
        first = session.scalar(select(outbox.c.seq))
    plant.settle()
    plant.bump(1)
    with plant.database.reading() as session:
        again = session.scalar(select(outbox.c.seq).order_by(outbox.c.seq.desc()))
        assert session.scalar(select(log_head.c.position)) == 2
    assert first is not None
    assert again is not None
    assert again > first


def test_the_sweep_sees_a_hole_right_behind_the_position(plant: Plant) -> None:
    """Nothing can be delivered there: without a look nobody would ever hear of it."""
    plant.bump_many(3)
    sequence(plant.database)
    with plant.database.transaction() as session:
        session.execute(delete(event_log).where(event_log.c.position == 1))
    EventSweep(plant.database, list(plant.inboxes.values()))()
    with plant.database.reading() as session:
        rows = session.execute(select(consumer)).all()
    assert {row.mode for row in rows} == {"paused"}
    assert all("hole" in row.last_error for row in rows)
