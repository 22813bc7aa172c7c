"""The rows of commands over the books: who ran what, when, and how it ended."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete, insert, update

from ates.accounting.models import CommandRun
from ates.kernel import clock, ids
from ates.kernel.db import Database

KEPT = timedelta(days=30)  # of proofs that found nothing, one each minute


@dataclass
class Run:
    """What the command notes of itself; an exception leaves exit code 1."""

    exit_code: int = 1
    report: dict[str, Any] = field(default_factory=dict)


@contextmanager
def noted(database: Database, command: Literal["payout", "verify"]) -> Iterator[Run]:
    """Write a row before the command and its end after it; one that was killed has no end."""
    run, id_ = Run(), ids.new()
    with database.transaction() as session:
        session.execute(
            insert(CommandRun).values(
                id=id_,
                command=command,
                started_at=clock.now(),
                host=platform.node(),
                pid=os.getpid(),
                report="{}",
            )
        )
    try:
        yield run
    finally:
        with database.transaction() as session:
            session.execute(
                update(CommandRun)
                .where(CommandRun.id == id_)
                .values(
                    finished_at=clock.now(), exit_code=run.exit_code, report=json.dumps(run.report)
                )
                .execution_options(synchronize_session=False)
            )
            session.execute(
                delete(CommandRun)
                .where(
                    CommandRun.command == "verify",
                    CommandRun.exit_code == 0,
                    CommandRun.started_at < clock.now() - KEPT,
                )
                .execution_options(synchronize_session=False)
            )
