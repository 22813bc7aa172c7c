"""The payout in processes of its own that are killed with -9 (books.md, case 29; pages.md, 35)."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from datetime import date
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from ates.accounting import payout
from ates.accounting.keyring import Books
from ates.app import create_app
from ates.kernel import clock
from tests.accounting.make import BOOKS_KEYS, Office, moment
from tests.accounting.test_payout import paid
from tests.engines.marks import both
from tests.engines.settings import trial

pytestmark = pytest.mark.proof

PEOPLE, NIGHT = 20, "28 00:10"
DUE = [(27, UUID(int=500 + number), 100 + number) for number in range(PEOPLE)]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _run(folder: Path, url: str, left: int, where: str) -> None:
    """A run in batches of three that dies in its batch `left`: before or after the commit."""
    app = create_app(trial(folder, url, books_keys=BOOKS_KEYS))
    pay, batches = payout._pay, [left]

    def dying(session: Session, books: Books, day: date, rows: Sequence[Any]) -> None:
        pay(session, books, day, rows)
        if where == "before" and batches[0] == 0:
            _die()

    def progress(*_: Any) -> None:
        batches[0] -= 1
        if where == "after" and batches[0] < 0:
            _die()

    payout._pay, payout.BATCH = dying, 3
    with app.app_context(), clock.frozen(moment(NIGHT)):
        office = Office(app.extensions["ates.database"])
        payout.run(office.database, office.books, payout.Limits(), progress)


def _start(folder: Path, url: str, left: int, where: str = "") -> BaseProcess:
    process = multiprocessing.get_context("forkserver").Process(
        target=_run, args=(folder, url, left, where)
    )
    process.start()
    return process


@pytest.fixture
def night(office: Office) -> Office:
    """Twenty people are owed something each."""
    for who, cents in ((who, cents) for _, who, cents in DUE):
        office.adjust(who, cents, "27 09:00", id=cents)
    return office


@both
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("batches", [0, 2, 6])
def test_killed_around_a_commit_the_next_run_pays_the_rest_once(
    night: Office, tmp_path: Path, database_url: str, batches: int, where: str
) -> None:
    killed = _start(tmp_path, database_url, batches, where)
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    done = 3 * (batches + (where == "after"))
    assert paid(night) == DUE[: min(done, PEOPLE)]
    assert night.verify("quick") == []
    night.run(NIGHT)
    assert paid(night) == DUE
    assert night.verify("new") == []


@both
def test_two_at_once_and_one_of_them_killed_pay_each_person_once(
    night: Office, tmp_path: Path, database_url: str
) -> None:
    two = [_start(tmp_path, database_url, 2, "before"), _start(tmp_path, database_url, 99)]
    for each in two:
        each.join(60)
    # Whoever pays the third batch first may be the other one, which leaves the first alive.
    assert two[0].exitcode in (0, -signal.SIGKILL)
    assert two[1].exitcode == 0
    assert paid(night) == DUE
    assert night.verify("new") == []
