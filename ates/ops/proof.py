"""The checks of all parts in one go, and the memory of what they found."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ates.kernel import clock
from ates.kernel.context import Context
from ates.kernel.db import Database
from ates.ops import checks
from ates.ops.models import Check

DIFFERENCES = 4  # exit code
EVENTS = "events"  # the kernel's own checks
LONGEST = 500


def verify(database: Database, contexts: Sequence[Context], *, full: bool) -> dict[str, list[str]]:
    """What does not hold, by part; each ended check is written down at once."""
    _, differences = checks.verify(database, full=full)
    found = {EVENTS: differences}
    _note(database, EVENTS, full, differences)
    for part in contexts:
        if part.verify is not None:
            found[part.name] = list(part.verify(full))
            _note(database, part.name, full, found[part.name])
    _tell(contexts, found)
    return found


def _tell(contexts: Sequence[Context], found: dict[str, list[str]]) -> None:
    """A part may have to stop something until somebody has looked: accounting holds payouts."""
    wrong = [(part, differences[0]) for part, differences in found.items() if differences]
    for part in contexts:
        if wrong and part.alarm is not None:
            part.alarm(*wrong[0])


def _note(database: Database, part: str, full: bool, differences: list[str]) -> None:
    """Remember it for the pages, the API and the figures."""
    make = sqlite_insert if database.is_sqlite else pg_insert
    said = {
        "checked_at": clock.now(),
        "ok": not differences,
        "differences": len(differences),
        "first": differences[0][:LONGEST] if differences else None,
    }
    with database.transaction() as session:
        session.execute(
            make(Check)
            .values(part=part, kind="full" if full else "quick", **said)
            .on_conflict_do_update(index_elements=["part", "kind"], set_=said)
        )
