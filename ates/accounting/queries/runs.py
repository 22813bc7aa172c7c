"""Runs of the payout command, by the day they touched."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ates.accounting.models import CommandRun
from ates.accounting.queries.payouts import Left, PaidDay, left_in

SHOWN = 10


@dataclass(frozen=True)
class RunRow:
    """One start of the command and what it did for the day."""

    started_at: datetime
    finished_at: datetime | None
    host: str
    pid: int
    exit_code: int | None  # None: it was killed, or still runs
    closed: bool
    people: int | None  # paid, when it finished the day
    cents: int
    events: int | None  # it waited for them
    held: str | None  # why it was stopped by a hold
    wrong: bool  # the books differed, or the clock
    left: Left | None  # whom it did not pay, when it finished the day


def runs_of(session: Session, day: PaidDay) -> tuple[RunRow, ...]:
    """The last runs that closed, paid or waited for a day, newest first; of those without an end
    nobody knows."""
    touched = or_(
        CommandRun.report.contains(f'"{day.day}"'),
        CommandRun.finished_at.is_(None),
    )
    query = select(CommandRun).where(
        CommandRun.command == "payout", CommandRun.started_at >= day.ends_at, touched
    )
    if day.paid_at is not None:
        query = query.where(CommandRun.started_at <= day.paid_at)
    rows = session.scalars(query.order_by(CommandRun.started_at.desc()).limit(SHOWN))
    return tuple(_row(run, day.day) for run in rows)


def _row(run: CommandRun, day: date) -> RunRow:
    report: dict[str, Any] = json.loads(run.report)
    paid = _of(report, "days", day)
    wait = _of(report, "waits", day)
    return RunRow(
        started_at=run.started_at,
        finished_at=run.finished_at,
        host=run.host,
        pid=run.pid,
        exit_code=run.exit_code,
        closed=str(day) in report.get("closed", ()),
        people=paid.get("people"),
        cents=paid.get("payout_cents", 0),
        events=wait.get("events") or None,
        held=wait.get("reason"),
        wrong=report.get("error") is not None,
        left=left_in(paid) if paid else None,
    )


def _of(report: dict[str, Any], what: str, day: date) -> dict[str, Any]:
    """What a report says of a day among its days or its waits."""
    found = (each for each in report.get(what, ()) if each["day"] == str(day))
    return next(found, {})
