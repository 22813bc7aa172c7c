"""Where the books meet the application: its keys and settings, given to units and letters."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting import anchors, holds, letters
from ates.accounting import verify as proof
from ates.accounting.keyring import Books, Keyring
from ates.accounting.models import BusinessDay, PayoutLetter, SealLetter
from ates.accounting.posting import Posting
from ates.accounting.posting.memory import Memory
from ates.config import Config
from ates.kernel import clock, db, mail


def init_app(app: Flask) -> None:
    """Read the settings of the books once. Raises ConfigError for keys that cannot be used."""
    config: Config = app.extensions["ates.config"]
    _, sender = parseaddr(config.mail_from)
    app.extensions["ates.books"] = Books(
        keyring=Keyring.parse(config.books_keys),
        zone=ZoneInfo(config.timezone),
        grace=timedelta(seconds=config.close_grace),
        domain=sender.partition("@")[2] or "localhost",
        url=config.url or "http://127.0.0.1:8000",
        anchors=config.anchors,
    )
    app.extensions["ates.memory"] = Memory()


def books() -> Books:
    """The settings of the application at hand."""
    found = current_app.extensions["ates.books"]
    assert isinstance(found, Books)
    return found


def posting(session: Session) -> Posting:
    """For the inbox: the unit of one batch.

    Hardly any batch repeats something, so it hopes. One that did is tried again within a savepoint
    (kernel.delivery), as is a parked event: there it asks.
    """
    hopes = None if session.in_nested_transaction() else current_app.extensions["ates.memory"]
    return Posting(session, books(), hopes=hopes)


def verify(full: bool) -> list[str]:
    """For `flask ops verify`: the sums and the blocks since the last proof, or everything."""
    return [str(each) for each in prove("full" if full else "new")[0].differences]


def prove(
    level: proof.Level,
    anchor_file: Path | None = None,
    progress: proof.Progress = lambda *_: None,
) -> tuple[proof.Found, UUID | None]:
    """Check the books with all processors, and remember how far they were found in order; with a
    difference, the hold that it set, if it is a new one.

    Compares with the lines of `anchor_file`; a full check with those of the installation too.
    Raises OSError for a file that cannot be read.
    """
    lines = anchors.read(anchor_file) if anchor_file else _anchors() if level == "full" else []
    with db.patient("accounting") as whole:
        crew = proof.Crew.of(whole)
        with whole.reading() as session:
            found = proof.verify(
                session, books(), level, crew=crew, anchors=lines, progress=progress
            )
    with db.transaction("accounting") as session:
        held = proof.mark(session, books(), found)
    return found, held


def _anchors() -> list[anchors.Anchor | str]:
    """The lines of the installation's own file; before its first day is closed there is none."""
    path = books().anchors
    if path is None:
        return []
    with db.reading("accounting") as session:
        closed = session.scalar(select(func.count()).where(BusinessDay.state != "open"))
    return anchors.read(path) if closed or path.exists() else []


def alarm(part: str, difference: str) -> None:
    """A check of some part found a difference: no money and no letter about it leaves the house."""
    with db.transaction("accounting") as session:
        holds.differ(session, books(), f"A check of {part} found: {difference}")


def figures(session: Session) -> dict[str, Any]:
    """For operators: the oldest day that has ended and is not paid, and why all payouts stand."""
    oldest = select(func.min(BusinessDay.business_date)).where(
        BusinessDay.state != "paid", BusinessDay.ends_at <= clock.now()
    )
    stop = holds.read(session).everything
    return {
        "oldest_unpaid_day": session.scalar(oldest),
        "payouts_held": stop.reason if stop is not None else None,
    }


def compose(session: Session, letter: PayoutLetter) -> mail.Letter | None:
    """For the box of payouts."""
    return letters.compose(session, letter, books())


def compose_seal(session: Session, letter: SealLetter) -> mail.Letter | None:
    """For the box of seals."""
    return letters.compose_seal(session, letter, books())


BOX = mail.LetterBox("accounting", PayoutLetter, compose, holds.letters_stand)
SEALS = mail.LetterBox("accounting", SealLetter, compose_seal, holds.letters_stand, kind="seals")
