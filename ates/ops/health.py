"""Whether everything goes on as it should, and if not, why: for /readyz, the API and alarms."""

from datetime import timedelta

from ates.kernel import migrate
from ates.kernel.db import Database
from ates.kernel.errors import ConfigError, is_outage
from ates.ops import status
from ates.ops.status import ConsumerLine, Report

SWEPT_WITHIN = timedelta(seconds=30)
NUMBERED_WITHIN = timedelta(seconds=10)
REPAIRED_WITHIN = timedelta(minutes=15)


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
        found.append(f"No events worker has looked for {_seconds(report.at - report.swept_at)} s.")
    if report.held:
        found.append(f"Events held before they were numbered: {report.held}.")
    found += _unnumbered(report)
    for line in report.consumers:
        found += _of_consumer(report, line)
    return found + report.strain.sentences()


def _unnumbered(report: Report) -> list[str]:
    """Many that are being numbered are work; old ones while nothing is numbered are not."""
    if not report.staged or report.oldest_staged is None:
        return []
    moved = max(report.oldest_staged, report.numbered_at or report.oldest_staged)
    if report.at - moved <= NUMBERED_WITHIN:
        return []
    return [f"Events wait for their number for {_seconds(report.at - report.oldest_staged)} s."]


def _of_consumer(report: Report, line: ConsumerLine) -> list[str]:
    found = []
    if line.mode == "paused":
        found.append(f"{line.name} is paused.")
    elif line.mode == "live" and line.last_error:
        found.append(f"{line.name} cannot go on; `flask events status` says why.")
    if line.dead:
        found.append(f"{line.name} has dead events: {line.dead}.")
    since = line.failing_since
    if since is not None and report.at - since > REPAIRED_WITHIN:
        found.append(
            f"{line.name} fails with an event for {_seconds(report.at - since) // 60} min."
        )
    if report.stands(line):
        found.append(f"{line.name} does not move; {line.behind} events wait.")
    return found


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
