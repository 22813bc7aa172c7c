"""Where auth meets the application: its keys, the gate that the shell asks, its letter box."""

from collections.abc import Callable
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
from ates.web.identity import Alive, Bearer


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
        if found is None or found.over(at):
            return None
        if found.stale(at):
            _best_effort(lambda session: service.touch(session, session_id, at))
        return Alive(found.subject.person_id, found.subject.epoch, found.subject.level)

    def bearer(self, token: str) -> Bearer | None:
        """The person of an API token that works. Raises DatabaseAway.

        One statement on a unique key whatever comes, so that the time tells nothing: what is
        looked up is a hash, of which nobody can guess a beginning.
        """
        at = clock.now()
        with reading("auth") as session:
            found = queries.token_of(session, service.hash_of_token(token), at=at)
        if found is None:
            return None
        if service.worth_noting(found.last_used_at, at):
            _best_effort(lambda session: service.touch_token(session, found.token_id, at))
        return Bearer(
            person_id=found.person_id,
            name=found.name,
            role=found.role,
            locale=found.locale,
            epoch=found.epoch,
            level=1,  # a token proves no second factor
            scope=str(found.scope),
        )

    def sign(self, session_id: str) -> str | None:
        """A fresh token with the present name, role and epoch."""
        with reading("auth") as session:
            found = queries.session_of(session, service.hash_of(session_id))
        if found is None or found.over(clock.now()):
            return None
        return keys().signer.sign(found.subject)


def compose(session: Session, letter: Letter) -> mail.Letter | None:
    """For the letter box: with this application's keys and address."""
    own = keys()
    return letters.compose(session, letter, url=own.url, company=own.company, seal=own.seal)


def _best_effort(note: Callable[[Session], None]) -> None:
    """A page is not lost because nobody could note that it was read."""
    try:
        with transaction("auth") as session:
            note(session)
    except Exception as error:
        if not is_outage(error):
            raise
