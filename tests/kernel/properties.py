"""P1 to P6 of events.md as questions to the rows; each answer names the property it breaks."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.kernel.tables import consumer, event_log, log_head, outbox, parked
from tests.kernel.toy import Thing, effect

if TYPE_CHECKING:
    from tests.kernel.plant import Plant

Stream = tuple[str, str]


class Rows:
    """One snapshot of everything that is checked."""

    def __init__(self, session: Session) -> None:
        self.log: list[Any] = list(
            session.execute(select(event_log).order_by(event_log.c.position))
        )
        self.staged: list[Any] = list(session.execute(select(outbox).order_by(outbox.c.seq)))
        self.head: int = session.scalar(select(log_head.c.position)) or 0
        self.said = {f"{each.id}": each.said for each in session.scalars(select(Thing))}
        self.positions = {
            row.name: row.position
            for row in session.execute(select(consumer))
            if row.mode == "live"
        }
        self.parked: dict[str, list[Any]] = defaultdict(list)
        for row in session.execute(select(parked).order_by(parked.c.position)):
            self.parked[row.consumer].append(row)
        self.effects: dict[str, list[Any]] = defaultdict(list)
        for row in session.execute(select(effect).order_by(effect.c.id)):
            self.effects[row.consumer].append(row)


def violations(plant: "Plant", *, at_rest: bool = True) -> list[str]:
    """What does not hold, each sentence beginning with the name of the property.

    `at_rest`: everything was drained, so that nothing may be left over (P6).
    """
    with plant.database.reading() as session:
        rows = Rows(session)
    found = [f"P1 {each}" for each in _numbers(rows)]
    found += [f"P2 {each}" for each in _log(plant, rows)]
    for name, inbox in plant.inboxes.items():
        if name in rows.positions:
            found += _consumer(plant, rows, name, inbox.types)
    if at_rest:
        found += [f"P6 {each}" for each in _left(plant, rows)]
    return found


def names(found: Iterable[str]) -> set[str]:
    """The properties that are broken."""
    return {each.split()[0] for each in found}


def _numbers(rows: Rows) -> list[str]:
    highest: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for row in [*rows.log, *rows.staged]:
        value = row.key.partition(":")[2]
        highest[value] = max(highest[value], row.key_version)
        count[value] += 1
    return [
        f"{value} has said {rows.said.get(value, 0)}, its highest event is {highest[value]}"
        f" of {count[value]}"
        for value in sorted(set(highest) | set(rows.said))
        if not rows.said.get(value, 0) == highest[value] == count[value]
    ]


def _log(plant: "Plant", rows: Rows) -> list[str]:
    found = []
    if [row.position for row in rows.log] != list(range(1, rows.head + 1)):
        found.append(f"the log has {len(rows.log)} events and its head says {rows.head}")
    present = {row.position: tuple(row) for row in rows.log}
    changed = [position for position, row in plant.seen.items() if present.get(position) != row]
    found += [f"position {position} is not what it was" for position in changed[:3]]
    plant.seen.update(present)
    return found


def _consumer(plant: "Plant", rows: Rows, name: str, types: set[str]) -> list[str]:
    heard = [row for row in rows.log if row.type in types or row.type not in plant.known]
    position = rows.positions[name]
    up_to = {row.position: row for row in heard if row.position <= position}
    effects = rows.effects[name]
    aside = {row.position: row for row in rows.parked[name]}
    explained = {
        (row.source, row.key, row.key_version)
        for row in rows.log
        if row.type not in types or row.position in aside
    }
    found = [f"P3 {name}: {each}" for each in _order(effects, explained)]
    found += [f"P4 {name}: {each}" for each in _once(up_to, effects, aside, position)]
    found += [f"P5 {name}: {each}" for each in _blocking(plant, up_to, effects, aside)]
    return found


def _order(effects: list[Any], explained: set[tuple[str, str, int]]) -> list[str]:
    """Each stream is 1, 2, 3 …, but for what is parked or not listened to."""
    last: dict[Stream, int] = defaultdict(int)
    found = []
    for row in effects:
        stream = (row.source, row.key)
        before, last[stream] = last[stream], row.key_version
        if row.key_version < before:
            found.append(f"{row.key} number {row.key_version} came after {before}")
        for missing in range(before + 1, row.key_version):
            if (*stream, missing) not in explained:
                found.append(f"{row.key} number {row.key_version} came without {missing}")
    return found[:3]


def _once(up_to: dict[int, Any], effects: list[Any], aside: dict[int, Any], last: int) -> list[str]:
    count: dict[int, int] = defaultdict(int)
    for row in effects:
        count[row.position] += 1
    for position, row in aside.items():  # what nobody listens to may wait behind its stream's head
        if position in up_to or (position > last and row.error_class != "SetAside"):
            count[position] += 1
    return [
        f"{count[position]} effects or parked rows for position {position}"
        for position in sorted(set(up_to) | set(count))
        if count[position] != (1 if position in up_to else 0)
    ][:3]


def _blocking(
    plant: "Plant", up_to: dict[int, Any], effects: list[Any], aside: dict[int, Any]
) -> list[str]:
    """A parked event stops what follows in its stream, and no innocent stream is stopped."""
    heads: dict[Stream, Any] = {}
    for row in aside.values():
        if row.status != "skipped":
            heads.setdefault((row.source, row.key), row)
    last: dict[Stream, int] = {}
    for row in effects:
        last[row.source, row.key] = max(last.get((row.source, row.key), 0), row.position)
    found = [
        f"{stream[1]} went on to {last[stream]} past its parked {head.position}"
        for stream, head in heads.items()
        if last.get(stream, 0) > head.position
    ]
    found += [
        f"{row.key} is parked at {row.position} ({row.error_class}) without poison"
        for row in aside.values()
        if row.error_class not in (None, "SetAside", "UnknownEvent")
        and not plant.was_poison(up_to.get(row.position))
    ]
    found += [
        f"{head.key} waits at {head.position} for nothing"
        for head in heads.values()
        if head.status == "blocked"
    ]
    return found[:3]


def _left(plant: "Plant", rows: Rows) -> list[str]:
    found = [
        f"{name} stands at {position} of {rows.head}"
        for name, position in rows.positions.items()
        if position != rows.head and name in plant.inboxes
    ]
    staged = [row.seq for row in rows.staged if row.held is None]
    if staged:
        found.append(f"{len(staged)} events are still staged")
    if held := [row.seq for row in rows.staged if row.held is not None]:
        found.append(f"{len(held)} events are held")
    return found


def highest_seq(session: Session) -> int:
    return session.scalar(select(func.max(outbox.c.seq))) or 0
