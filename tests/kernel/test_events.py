"""Contracts: strict in what is said, patient with what was said before."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ates.kernel import events
from ates.kernel.bus import publish
from ates.kernel.errors import ConfigError
from ates.kernel.events import Cause, Instant, Pattern, caused, contract_of, meta_of
from ates.kernel.inbox import Inbox
from ates.kernel.tables import event_log, outbox
from tests.kernel import toy
from tests.kernel.plant import Plant

sqlite = pytest.mark.parametrize("backend", ["sqlite"])


class Colour(Enum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A nested value."""

    cents: int
    note: str | None = None


@events.event("toy.everything", version=1, key="thing_id")
class Everything:
    """All that a contract may hold."""

    thing_id: UUID
    key_version: int
    text: Annotated[str, Pattern(r"[^\[\]]*")]
    number: int
    yes: bool
    day: date
    moment: Instant
    exact: Decimal
    colour: Colour
    lines: list[Line]
    maybe: int | None = None


events.contracts.pop("toy.everything")
CONTRACT = contract_of(Everything)


def everything(**changes: Any) -> Everything:
    values: dict[str, Any] = {
        "thing_id": uuid4(),
        "key_version": 1,
        "text": "feed the parrot",
        "number": 7,
        "yes": True,
        "day": date(2026, 2, 28),
        "moment": datetime(2026, 11, 24, tzinfo=UTC),
        "exact": Decimal("12.50"),
        "colour": Colour.GREEN,
        "lines": [Line(cents=-5), Line(cents=9, note="feather")],
    }
    return Everything(**(values | changes))


MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)).map(  # noqa: DTZ001 - zone follows
    lambda each: each.replace(tzinfo=UTC)
)


@given(
    text=st.text(alphabet=st.characters(exclude_characters="[]", exclude_categories=["Cs"])),
    number=st.integers(-(2**63), 2**63 - 1),
    day=st.dates(),
    moment=MOMENTS,
    exact=st.decimals(allow_nan=False, allow_infinity=False),
    lines=st.lists(st.builds(Line, cents=st.integers(-(10**12), 10**12), note=st.text())),
    maybe=st.none() | st.integers(0, 9),
)
def test_what_is_written_is_read_again(**values: Any) -> None:
    said = everything(**values)
    data = json.loads(CONTRACT.encode(said))
    assert CONTRACT.decode({**data, "key_version": 1}) == said


def test_an_event_is_written_canonically_and_without_its_number() -> None:
    data = CONTRACT.encode(everything()).decode()
    names = list(json.loads(data))
    assert names == sorted(names)
    assert "key_version" not in names
    assert data == CONTRACT.encode(CONTRACT.decode({**json.loads(data), "key_version": 5})).decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "[X-1] feed"},
        {"text": 5},
        {"number": "7"},
        {"number": 1.5},
        {"yes": 1},
        {"moment": datetime(2026, 1, 1)},  # noqa: DTZ001 - naive on purpose
        {"colour": "blue"},
        {"lines": [Line(cents="9")]},  # type: ignore[arg-type] # wrong on purpose
        {"lines": None},
        {"thing_id": "not an id"},
        {"maybe": "3"},
        {"exact": 0.1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_producer_cannot_say_what_its_contract_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises((msgspec.ValidationError, TypeError)):
        CONTRACT.encode(everything(**wrong))


def test_an_event_is_a_value() -> None:
    said = everything()
    with pytest.raises(AttributeError, match="immutable"):
        said.number = 8  # type: ignore[misc]
    with pytest.raises(TypeError):
        Everything(uuid4(), 1)  # type: ignore[call-arg]


def test_contracts_that_cannot_work_are_refused_where_they_are_declared() -> None:
    class Nameless:
        key_version: int

    with pytest.raises(AssertionError, match="needs thing_id"):
        events.event("toy.nameless", version=1, key="thing_id")(Nameless)
    with pytest.raises(AssertionError, match="two upcasters"):
        events.upcast("toy.bumped", from_version=1)(lambda data: data)


@sqlite
def test_a_second_handler_and_a_foreign_class_are_refused(plant: Plant) -> None:
    inbox = Inbox("twice")
    inbox.on(toy.Bumped)(lambda session, event: None)
    with pytest.raises(ConfigError, match="two handlers"):
        inbox.on(toy.Bumped)(lambda session, event: None)
    with pytest.raises(ConfigError, match="no event contract"):
        inbox.on(Colour)


@sqlite
def test_only_contracts_are_published(plant: Plant) -> None:
    with pytest.raises(TypeError, match="no event contract"), plant.database.transaction() as s:
        publish(s, Line(cents=1))
    wrong = toy.Bumped(thing_id=toy.thing_id(1), key_version=1, n="7")  # type: ignore[arg-type]
    with pytest.raises(msgspec.ValidationError), plant.database.transaction() as session:
        publish(session, wrong)
    assert plant.violated() == set()


def test_a_read_model_has_no_echo(plant: Plant) -> None:
    """A rebuildable consumer that publishes is a bug; nothing it said is staged."""
    inbox = Inbox("loud", rebuildable=True)

    @inbox.on(toy.Bumped)
    def echo(session: Any, event: toy.Bumped) -> None:
        toy.bump(session, 9, 9)

    plant.inboxes["loud"] = inbox
    plant.begin()
    plant.bump(1)
    plant.drain("loud").run()
    (row,) = plant.parked()
    assert (row.error_class, "no echo" in row.error) == ("AssertionError", True)
    with plant.database.reading() as session:
        assert session.execute(select(outbox)).all() == []


# --- the envelope ---------------------------------------------------------------------------------


@sqlite
def test_one_correlation_runs_from_the_click_to_the_last_echo(plant: Plant) -> None:
    with caused(Cause("click-7", None, "person-1")):
        plant.bump(1)
    plant.settle()
    with plant.database.reading() as session:
        bumped, echoed = session.execute(select(event_log).order_by(event_log.c.position)).all()
    assert json.loads(bumped.meta) == {"actorid": "person-1", "correlationid": "click-7"}
    assert json.loads(echoed.meta) == {
        "actorid": "person-1",
        "causationid": str(bumped.event_id),
        "correlationid": "click-7",
    }


@sqlite
def test_a_published_event_knows_itself(plant: Plant) -> None:
    said = toy.Bumped(thing_id=toy.thing_id(1), key_version=1, n=1)
    with pytest.raises(KeyError):
        meta_of(said)
    with plant.database.transaction() as session:
        toy.held(session, toy.thing_id(1)).next_version()
        publish(session, said)
    assert meta_of(said).key == f"thing_id:{toy.thing_id(1)}"
    assert (meta_of(said).position, meta_of(said).id.version) == (None, 7)
