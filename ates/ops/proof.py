"""The checks of all parts in one go, and the memory of what they found."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ates.kernel import clock
from ates.kernel.context import Context
from ates.kernel.db import Database, patient
from ates.ops import checks, reconciliation
from ates.ops.models import Check

DIFFERENCES = 4  # exit code
EVENTS = "events"  # the kernel's own checks
RECONCILIATION = "reconciliation"  # of the parts with each other
LONGEST = 500


def verify(database: Database, contexts: Sequence[Context], *, full: bool) -> dict[str, list[str]]:
    """What does not hold, by part; each ended check is written down at once.

    With `full` the parts are also reconciled with each other over all days, row by row, which costs
    less than any of them costs by itself.
    """
    _, differences = checks.verify(database, full=full)
    found = {EVENTS: differences}
    _note(database, EVENTS, full, differences)
    for part in contexts:
        if part.verify is not None:
            found[part.name] = list(part.verify(full))
            _note(database, part.name, full, found[part.name])
    if full:
        found[RECONCILIATION] = _reconciled(contexts)
        _note(database, RECONCILIATION, full, found[RECONCILIATION])
    _tell(contexts, found)
    return found


def _tell(contexts: Sequence[Context], found: dict[str, list[str]]) -> None:
    """A part may have to stop something until somebody has looked: accounting holds payouts."""
    wrong = [(part, differences[0]) for part, differences in found.items() if differences]
    for part in contexts:
        if wrong and part.alarm is not None:
            part.alarm(*wrong[0])


def _reconciled(contexts: Sequence[Context]) -> list[str]:
    """What is on its way is none of it: only what nothing explains."""
    with patient("ops") as database, database.reading() as session:
        return reconciliation.everything(session, contexts, at=clock.now())


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
