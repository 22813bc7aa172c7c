"""Where the books meet the application: its keys and settings, given to units and letters."""

from datetime import timedelta
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy.orm import Session

from ates.accounting import letters
from ates.accounting.keyring import Books, Keyring
from ates.accounting.models import PayoutLetter
from ates.accounting.posting import Posting
from ates.config import Config
from ates.kernel import mail


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
    )


def books() -> Books:
    """The settings of the application at hand."""
    found = current_app.extensions["ates.books"]
    assert isinstance(found, Books)
    return found


def posting(session: Session) -> Posting:
    """For the inbox: the unit of one batch."""
    return Posting(session, books())


def compose(session: Session, letter: PayoutLetter) -> mail.Letter | None:
    """For the letter box."""
    return letters.compose(session, letter, books())
