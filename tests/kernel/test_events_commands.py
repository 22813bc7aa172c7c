"""`flask events`: what operators see, decide and are refused, with the exit codes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import delete, insert, select, update

from ates.kernel import clock, ids
from ates.kernel.tables import event_log, outbox, parked
from ates.ops import cli
from tests.kernel.plant import Plant

Run = Callable[..., Result]
WHY = "--reason=the bird has flown"


@pytest.fixture
def plant(quiet_plant: Plant) -> Plant:
    """Positions are counted by hand here."""
    return quiet_plant


@pytest.fixture
def run(plant: Plant) -> Run:
    """The application's own CLI runner."""
    plant.app.cli.add_command(cli.events)
    runner = plant.app.test_cli_runner()

    def call(*words: str) -> Result:
        return runner.invoke(args=["events", *words])

    return call


def status_of(run: Run) -> dict[str, Any]:
    return dict(json.loads(run("status", "--json").output))


def test_status_is_0_when_all_is_well_and_3_when_something_is_dead(plant: Plant, run: Run) -> None:
    plant.bump_many(5)
    plant.settle()
    answer = run("status")
    assert (answer.exit_code, "Healthy." in answer.output) == (0, True)
    plant.bump(1, poison="hopeless")
    plant.bump(1)
    plant.settle()
    answer = run("status")
    assert answer.exit_code == 3
    assert "NOT healthy." in answer.output
    assert "Hopeless" in answer.output
    found = {each["name"]: each for each in status_of(run)["consumers"]}
    assert (found["direct"]["dead"], found["direct"]["blocked"]) == (1, 1)


def test_status_tells_lag_from_standing_still(plant: Plant, run: Run) -> None:
    plant.bump(1)
    plant.drain("direct").run()
    assert run("status").exit_code == 0, "fresh lag is work"
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert run("status").exit_code == 3, "a minute without movement is illness"


def test_status_counts_a_version_before_old_code_goes(plant: Plant, run: Run) -> None:
    plant.bump(1)
    plant.bump(2, poison="hopeless")
    plant.drain("direct").run()
    plant.bump(3)
    asked = ("status", "--type", "toy.bumped", "--version", "2", "--json")
    assert json.loads(run(*asked).output) == {"staged": 1, "unread": 2, "parked": 1}
    assert json.loads(run("status", "--type", "toy.bumped", "--version", "1", "--json").output) == {
        "staged": 0,
        "unread": 0,
        "parked": 0,
    }


def test_retry_makes_due_what_failed_and_gives_it_all_its_attempts(plant: Plant, run: Run) -> None:
    for number in (1, 2):
        plant.bump(number, poison="hopeless")
    plant.settle()
    plant.poisons.clear()
    assert run("retry", "--by=me").exit_code == 2, "it must be said what to try again"
    first = plant.parked("dead")[0]
    answer = run(
        "retry", "--consumer", first.consumer, "--position", str(first.position), "--by=me"
    )
    assert answer.output == "1 event is due again.\n"
    assert len(plant.parked("dead")) == 3
    answer = run("retry", "--all", "--by=me")
    assert answer.output == "4 events are due again.\n"
    plant.settle()
    assert plant.parked() == []
    assert plant.violated() == set()


def test_retry_finds_all_errors_of_one_kind(plant: Plant, run: Run) -> None:
    plant.bump(1, poison="hopeless")
    plant.bump(2, poison="hopeless")
    plant.settle()
    (kind,) = {row.fingerprint for row in plant.parked()}
    assert run("retry", "--fingerprint", kind, "--by=me").output == "4 events are due again.\n"
    key = plant.parked()[0].key
    assert run("retry", "--key", key, "--by=me").output == "2 events are due again.\n"


def test_skip_leaves_one_out_and_the_rest_of_its_stream_goes_on(plant: Plant, run: Run) -> None:
    plant.bump(1, poison="hopeless")
    plant.bump(1)
    plant.settle()
    (head,) = [row for row in plant.parked("dead") if row.consumer == "direct"]
    where = ("--consumer=direct", f"--position={head.position}", "--by=me")
    assert run("skip", *where).exit_code == 2, "a reason is asked for"
    assert run("skip", *where, "--reason=short").exit_code == 1
    assert run("skip", "--consumer=direct", "--position=77", "--by=me", WHY).exit_code == 1
    assert run("skip", *where, WHY).exit_code == 0
    plant.settle()
    (row,) = [row for row in plant.parked() if row.consumer == "direct"]
    assert (row.status, row.decided_by, row.reason) == ("skipped", "me", "the bird has flown")
    assert plant.effects("direct") == 1
    assert run("skip", *where, WHY).exit_code == 1, "decided is decided"


def test_park_sets_an_unread_event_aside_for_good(plant: Plant, run: Run) -> None:
    plant.bump(1)
    plant.bump(1)
    plant.bump(2)
    plant.drain("bulk").run()
    where = ("park", "1", "--consumer=direct", "--by=me")
    assert run(*where).exit_code == 2
    assert run("park", "1", "--consumer=bulk", "--by=me", WHY).exit_code == 1, "bulk has passed it"
    assert run("park", "9", "--consumer=direct", "--by=me", WHY).exit_code == 1
    assert run("park", "1", "--consumer=nobody", "--by=me", WHY).exit_code == 1
    assert run(*where, WHY).exit_code == 0
    assert run(*where, WHY).exit_code == 1, "twice"
    plant.settle()
    assert plant.effects("direct") == 1
    with plant.later(4000):
        plant.settle()
    assert plant.effects("direct") == 1, "it is never tried by itself"
    run("skip", "--consumer=direct", "--position=1", "--by=me", WHY)
    plant.settle()
    assert plant.effects("direct") == 2


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_is_tried_again_before_it_is_read_has_its_effect_once(
    plant: Plant, run: Run, size: int
) -> None:
    for number in range(1, 5):
        plant.bump(number)
    plant.drain("bulk").run()
    run("park", "3", "--consumer=direct", "--by=me", WHY)
    assert run("retry", "--consumer=direct", "--all", "--by=me").exit_code == 0
    drain = plant.drain("direct", size)
    assert (drain.batch(), drain.retry()) == (size, int(size == 3))
    plant.settle(size)
    assert plant.effects("direct") == 4
    assert plant.parked() == []
    assert plant.violated() == set()


def test_a_retry_of_the_head_stops_before_what_was_set_aside(plant: Plant, run: Run) -> None:
    plant.bump(1, poison="early")
    plant.bump(1)
    plant.drain("bulk").run()
    run("park", "2", "--consumer=direct", "--by=me", WHY)
    plant.settle()
    plant.heal()
    assert [(row.position, row.status) for row in plant.parked()] == [(2, "dead")]
    assert plant.effects("direct") == 1


def test_skipping_the_head_does_not_revive_what_was_set_aside(plant: Plant, run: Run) -> None:
    plant.bump(1, poison="early")
    plant.bump(1)
    plant.drain("bulk").run()
    run("park", "2", "--consumer=direct", "--by=me", WHY)
    plant.settle()
    run("skip", "--consumer=direct", "--position=1", "--by=me", WHY)
    assert [(row.position, row.status) for row in plant.parked() if row.consumer == "direct"] == [
        (1, "skipped"),
        (2, "dead"),
    ]


def test_a_storm_is_parked_only_on_demand(plant: Plant, run: Run) -> None:
    for number in range(25):
        plant.bump(number, poison="early")
    plant.settle()
    assert [row for row in plant.parked() if row.consumer == "direct"] == [], "the brake holds"
    assert plant.position("direct") == 0
    assert run("park", "--storm", "--consumer=nobody").exit_code == 1
    assert run("park", "--storm", "--consumer=direct").output == "25 events are parked.\n"
    plant.heal()
    assert plant.violated() == set()


def _held(plant: Plant) -> int:
    """Somebody publishes without a lock: a second event under a number that is taken."""
    plant.bump(1)
    plant.settle()
    with plant.database.transaction() as session:
        row = dict(session.execute(select(event_log)).mappings().one_or_none() or {})
        assert row
        for name in ("log", "position", "recorded_at"):
            del row[name]
        row["event_id"] = ids.new()
        session.execute(insert(outbox).values(**row))
    plant.bump(1)
    plant.settle()
    with plant.database.reading() as session:
        held = session.execute(select(outbox).order_by(outbox.c.seq)).all()
    assert len(held) == 2, "the whole stream is held"
    assert "UNIQUE" in held[0].held.upper()
    return int(held[0].seq)


def test_release_decides_about_a_number_that_was_taken(plant: Plant, run: Run) -> None:
    seq = _held(plant)
    assert run("status").exit_code == 3
    plant.bump(2)
    plant.settle()
    assert plant.effects("direct") == 2, "the rest flows"
    for wrong in (("--as-version=7",), (), ("--as-version=2", "--discard")):
        assert run("release", str(seq), *wrong, "--by=me", WHY).exit_code != 0
    assert run("release", "999", "--discard", "--by=me", WHY).exit_code == 1
    assert run("release", str(seq), "--discard", "--by=me", WHY).exit_code == 0
    plant.settle()
    assert plant.violated() == set()
    assert run("status").exit_code == 0


def test_release_under_the_next_number_keeps_the_event(plant: Plant, run: Run) -> None:
    seq = _held(plant)
    with plant.database.transaction() as session:
        session.execute(delete(outbox).where(outbox.c.seq > seq))
    assert run("release", str(seq), "--as-version=2", "--by=me", WHY).exit_code == 0
    plant.settle()
    assert plant.effects("direct") == 2


def test_verify_is_0_for_a_whole_log_and_4_for_every_damage(plant: Plant, run: Run) -> None:
    plant.bump_many(10)
    plant.bump(1, poison="hopeless")
    plant.bump(1)
    plant.settle()
    whole = run("verify", "--json")
    assert (whole.exit_code, json.loads(whole.output)["differences"]) == (0, [])
    assert "The log is whole" in run("verify").output
    with plant.database.transaction() as session:
        session.execute(update(parked).where(parked.c.status == "dead").values(status="blocked"))
    assert "waits for nothing" in run("verify").output
    with plant.database.transaction() as session:
        session.execute(delete(event_log).where(event_log.c.position == 4))
    answer = run("verify")
    assert answer.exit_code == 4
    assert "1 positions are missing" in answer.output
    assert "follows" in answer.output
