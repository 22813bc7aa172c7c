"""How a letter leaves the house: over SMTP by Flask-Mail, or into a file where no server is set."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from flask_mail import Connection, Mail, Message

from ates.kernel.errors import ConfigError

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 30.0
DOCTOR_SECONDS = 3.0
ADDRESS = re.compile(r"[^@\s,;<>()\"\\\x00-\x1f\x7f]{1,64}@[^@\s,;<>()\"\\\x00-\x1f\x7f]{1,189}")


class Verdict(Enum):
    """What came of trying to send a letter."""

    SENT = auto()  # the server took it
    LATER = auto()  # certainly not taken; try again
    REFUSED = auto()  # will never be taken
    DOUBT = auto()  # the connection broke after handing over: it may have arrived


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    reply: str


@dataclass(frozen=True)
class Parcel:
    """One letter with all its figures frozen: a repeat has the same bytes."""

    to: str
    subject: str
    body: str
    message_id: str
    date: datetime
    correlation_id: str | None = None


class Line(Protocol):
    """An open way out."""

    def send(self, parcel: Parcel) -> Outcome: ...


class Carrier(Protocol):
    """Opens ways out, one per batch of letters."""

    def connection(self) -> Any: ...


def carrier(app: Flask, smtp_url: str, sender: str, folder: Path) -> Carrier:
    """SMTP where a server is named, else files: nothing is ever sent by accident.

    Raises ConfigError for an address that names no server.
    """
    app.config["MAIL_DEFAULT_SENDER"] = sender
    app.config["MAIL_MAX_EMAILS"] = None  # else it would QUIT inside `send`
    if smtp_url:
        parts = urlsplit(smtp_url)
        if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
            raise ConfigError(
                "ATES_SMTP_URL must be smtp://, smtps:// or smtp+starttls:// and name a host."
            )
        app.config["MAIL_SERVER"] = parts.hostname
        app.config["MAIL_PORT"] = parts.port or {"smtp": 25, "smtps": 465}.get(parts.scheme, 587)
        app.config["MAIL_USE_SSL"] = parts.scheme == "smtps"
        app.config["MAIL_USE_TLS"] = parts.scheme == "smtp+starttls"
        app.config["MAIL_USERNAME"] = unquote(parts.username or "") or None
        app.config["MAIL_PASSWORD"] = unquote(parts.password or "") or None
    Mail(app)
    return Smtp() if smtp_url else Files(folder)


def unreachable(smtp_url: str) -> str | None:
    """What keeps us from the mail server, or None: for the doctor. Says hello, sends nothing."""
    parts = urlsplit(smtp_url)
    port = parts.port or {"smtp": 25, "smtps": 465}.get(parts.scheme, 587)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(parts.hostname or "", port, timeout=DOCTOR_SECONDS) as host:
            host.noop()
    except (OSError, smtplib.SMTPException) as error:
        return type(error).__name__
    return None


class _Host(smtplib.SMTP):
    """Keeps the server's answer to the letter itself, and whether it was handed over at all."""

    answer = ""
    handed = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.handed = True
        code, reply = super().data(msg)
        self.answer = f"{code} {reply.decode(errors='replace')}"
        return code, reply


class _HostSsl(smtplib.SMTP_SSL):
    answer = ""
    handed = False
    data = _Host.data


class _Deadlined(Connection):
    """Flask-Mail's connection with time-outs and checked certificates, which it lacks."""

    def configure_host(self) -> smtplib.SMTP:
        mail = self.mail
        host: smtplib.SMTP
        if mail.use_ssl:
            host = _HostSsl(
                mail.server,
                mail.port,
                timeout=CONNECT_SECONDS,
                context=ssl.create_default_context(),
            )
        else:
            host = _Host(mail.server, mail.port, timeout=CONNECT_SECONDS)
        assert isinstance(host.sock, socket.socket)
        host.sock.settimeout(COMMAND_SECONDS)
        if mail.use_tls:
            host.starttls(context=ssl.create_default_context())
        if mail.username and mail.password:
            host.login(mail.username, mail.password)
        return host

    def __exit__(self, *_: object) -> None:
        """A farewell that fails must not undo what was sent."""
        if self.host is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self.host.sock is not None:
                    self.host.sock.settimeout(2)
                self.host.quit()
            self.host.close()


class _Dated(Message):
    """A message whose Date does not depend on the host's time zone."""

    def _message(self) -> Any:
        made = super()._message()
        del made["Date"]
        made["Date"] = formatdate(self.date, usegmt=True)
        return made


def _message(parcel: Parcel) -> Any:
    headers = {"Auto-Submitted": "auto-generated"}
    if parcel.correlation_id:
        headers["X-Correlation-Id"] = parcel.correlation_id
    message = _Dated(
        subject=parcel.subject,
        recipients=[parcel.to],
        body=parcel.body,
        date=parcel.date.timestamp(),
        extra_headers=headers,
    )
    message.msgId = parcel.message_id
    return message


class Smtp:
    """Over the server that Flask-Mail was told."""

    @contextmanager
    def connection(self) -> Iterator[Line]:
        """One connection for a batch; each letter learns by itself if it cannot be opened."""
        line = _SmtpLine(_Deadlined(current_app.extensions["mail"]))
        try:
            yield line
        finally:
            line.close()


class _SmtpLine:
    def __init__(self, connection: _Deadlined) -> None:
        self.connection, self.open = connection, False

    def send(self, parcel: Parcel) -> Outcome:
        if not ADDRESS.fullmatch(parcel.to):
            return Outcome(Verdict.REFUSED, "malformed address")
        try:
            if not self.open:
                self.connection.__enter__()
                self.open = True
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(Verdict.LATER, f"no connection: {error}")
        host: Any = self.connection.host
        host.handed, host.answer = False, ""
        try:
            self.connection.send(_message(parcel))
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = next(iter(error.recipients.values()))
            return self._refused(code, reply)
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, error.smtp_error)
        except (UnicodeError, smtplib.SMTPNotSupportedError) as error:
            return Outcome(Verdict.REFUSED, f"the server cannot write this address: {error}")
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            # A line that broke before the letter itself went over it carried nothing.
            verdict = Verdict.DOUBT if host.handed else Verdict.LATER
            return Outcome(verdict, f"the connection broke: {error}")
        return Outcome(Verdict.SENT, host.answer)

    def close(self) -> None:
        if self.open:
            self.connection.__exit__(None, None, None)
            self.open = False

    def _refused(self, code: int, reply: bytes | str) -> Outcome:
        said = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
        verdict = Verdict.REFUSED if 500 <= code < 600 else Verdict.LATER
        if code == 421 or code < 400:  # the server is going away
            self.close()
        return Outcome(verdict, f"{code} {said}")


@dataclass(frozen=True)
class Files:
    """Letters as files, for installations without a mail server; shown on /mailbox/."""

    folder: Path

    @contextmanager
    def connection(self) -> Iterator[Line]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield self

    def send(self, parcel: Parcel) -> Outcome:
        if not ADDRESS.fullmatch(parcel.to):
            return Outcome(Verdict.REFUSED, "malformed address")
        # The name follows from the letter: a repeat replaces itself.
        name = re.sub(r"[^\w.@-]", "_", parcel.message_id.strip("<>"))
        path = self.folder / f"{parcel.date:%Y%m%dT%H%M%S}-{name}.eml"
        draft = path.with_suffix(".tmp")
        draft.write_bytes(_message(parcel).as_bytes())
        draft.replace(path)
        return Outcome(Verdict.SENT, f"file {path.name}")
