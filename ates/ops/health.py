"""Whether everything goes on as it should, and if not, why: for /readyz, the API and alarms."""

from datetime import timedelta

from ates.kernel import migrate
from ates.kernel.db import Database
from ates.kernel.errors import ConfigError, is_outage
from ates.ops import status
from ates.ops.status import Report

SWEPT_WITHIN = timedelta(seconds=30)


def not_serving(database: Database) -> str | None:
    """Why the pages cannot be served, or None: the database, its settings, its schema."""
    try:
        migrate.check(database)
    except ConfigError as error:
        return str(error)
    except Exception as error:
        if not is_outage(error):
            raise
        return "The database does not answer."
    return None


def reasons(database: Database) -> list[str]:
    """Everything that is not as it should be, each a sentence; empty is healthy."""
    trouble = not_serving(database)
    if trouble is not None:
        return [trouble]
    try:
        return of_report(status.read(database))
    except Exception as error:
        if not is_outage(error):
            raise
        return ["The database does not answer."]


def of_report(report: Report) -> list[str]:
    """What a report says is wrong (events.md, chapter 11)."""
    found = []
    if report.swept_at is None:
        found.append("No events worker has looked yet.")
    elif report.at - report.swept_at > SWEPT_WITHIN:
        seconds = int((report.at - report.swept_at).total_seconds())
        found.append(f"No events worker has looked for {seconds} s.")
    if report.held:
        found.append(f"Events held before they were numbered: {report.held}.")
    for line in report.consumers:
        if line.mode == "paused":
            found.append(f"{line.name} is paused.")
        if line.dead:
            found.append(f"{line.name} has dead events: {line.dead}.")
        if report.stands(line):
            found.append(f"{line.name} does not move; {line.behind} events wait.")
    return found
