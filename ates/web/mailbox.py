"""Letters that became files, for trying aTES out: on this machine only, never in production."""

import email
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from ates.config import Config
from ates.kernel.errors import N_, NotFound
from ates.web.access import PUBLIC, allow
from ates.web.here import at_this_machine

pages = Blueprint("mailbox", __name__, url_prefix="/mailbox")

NEWEST = 200  # files listed

_LINK = re.compile(r"(https?://[^\s<>\"']+)")


@dataclass(frozen=True)
class Mail:
    """One letter as people see it. `body` alternates between plain text and links."""

    name: str
    to: str
    subject: str
    date: str
    body: Sequence[str] = ()


@pages.get("/")
@allow(PUBLIC)
def index() -> ResponseReturnValue:
    """The newest letters first."""
    found = sorted(_folder().glob("*.eml"), key=_age)[:NEWEST]
    return render_template("mailbox/index.html", mails=[_read(path) for path in found])


@pages.get("/<name>")
@allow(PUBLIC)
def letter(name: str) -> ResponseReturnValue:
    """One letter with its links."""
    path = _folder() / name
    if path not in set(_folder().glob("*.eml")):  # a name of the list, never a path
        raise NotFound(N_("There is no such letter"))
    return render_template("mailbox/letter.html", mail=_read(path))


def _folder() -> Path:
    """The folder of letters. Raises NotFound for everybody who is not at this machine."""
    config: Config = current_app.extensions["ates.config"]
    if config.production or config.smtp_url or not at_this_machine():
        raise NotFound(N_("There is no such page"))
    return config.mail_folder


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    text = str(part.get_content()) if part is not None else ""
    return Mail(
        name=path.name,
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        date=str(message["Date"] or ""),
        body=_LINK.split(text),
    )
