"""Where auth meets the application: its keys, the gate that the shell asks, its letter box."""

from dataclasses import dataclass

from flask import Flask, current_app
from sqlalchemy.orm import Session

from ates.auth import letters, queries, service
from ates.auth.models import Letter
from ates.auth.tokens import Seal, Signer
from ates.config import Config
from ates.kernel import clock, mail
from ates.kernel.db import reading, transaction
from ates.kernel.errors import is_outage
from ates.web.identity import Alive


@dataclass(frozen=True)
class Keys:
    """What auth signs with, and the address that links in letters begin with."""

    signer: Signer
    seal: Seal
    url: str
    company: str


def init_app(app: Flask) -> None:
    """Read the keys once. Raises ConfigError for a key that cannot be used."""
    config: Config = app.extensions["ates.config"]
    app.extensions["ates.auth"] = Keys(
        Signer(config.signing_key),
        Seal(config.secret_key),
        config.url or "http://127.0.0.1:8000",
        config.company,
    )


def keys() -> Keys:
    """The keys of the application at hand."""
    found = current_app.extensions["ates.auth"]
    assert isinstance(found, Keys)
    return found


class SessionGate:
    """Answers the shell on each request, so that out is out (web.identity.Gate)."""

    def alive(self, session_id: str) -> Alive | None:
        """The session, unless it is over or its person was shut out. Raises DatabaseAway."""
        at = clock.now()
        with reading("auth") as session:
            found = queries.session_of(session, service.hash_of(session_id))
        if found is None or found.row.over(at):
            return None
        if found.row.stale(at):
            _touch(session_id)
        return Alive(found.subject.person_id, found.subject.epoch, found.subject.level)

    def sign(self, session_id: str) -> str | None:
        """A fresh token with the present name, role and epoch."""
        with reading("auth") as session:
            found = queries.session_of(session, service.hash_of(session_id))
        if found is None or found.row.over(clock.now()):
            return None
        return keys().signer.sign(found.subject)


def compose(session: Session, letter: Letter) -> mail.Letter | None:
    """For the letter box: with this application's keys and address."""
    own = keys()
    return letters.compose(session, letter, url=own.url, company=own.company, seal=own.seal)


def _touch(session_id: str) -> None:
    """Best effort: a page is not lost because nobody could note that it was read."""
    try:
        with transaction("auth") as session:
            service.touch(session, session_id, clock.now())
    except Exception as error:
        if not is_outage(error):
            raise
