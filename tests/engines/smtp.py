"""A real SMTP server that keeps what it gets and can be as rude as real ones are."""

import asyncio
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from . import run


@dataclass
class MailServer:
    """`mode` decides how the next letters are treated; `letters` holds the accepted ones.

    accept · later (451) · refuse (550) · refuse_address (550 at RCPT) · drop_before (the line is
    cut before the letter is taken) · drop_after (it is taken, then the line is cut without a
    word) · hang (no answer to DATA until the mode changes) · gone (the line is cut before any
    letter is offered, as by a server that restarts)
    """

    port: int = field(default_factory=run.free_port)
    mode: str = "accept"
    moods: list[str] = field(default_factory=list)  # the modes of the next letters, one each
    letters: list[EmailMessage] = field(default_factory=list)
    tries: int = 0
    _controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            if self.mode == "hang":
                self.mode = "accept"
            self._controller.stop()
            self._controller = None

    def to(self, address: str) -> list[EmailMessage]:
        """The letters to one receiver."""
        return [each for each in self.letters if address in str(each["To"])]

    def wait(self, number: int, seconds: float = 10) -> list[EmailMessage]:
        """Wait until that many letters have come."""
        until = time.monotonic() + seconds
        while len(self.letters) < number and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.letters) >= number, f"only {len(self.letters)} of {number} letters came"
        return self.letters

    # --- what aiosmtpd calls --------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.mode == "gone":
            _cut(server)
            return "421 gone"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.mode == "refuse_address":
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.tries += 1
        if self.moods:
            self.mode = self.moods.pop(0)
        if self.mode == "later":
            return "451 4.3.0 try again later"
        if self.mode == "refuse":
            return "550 5.7.1 not wanted"
        if self.mode == "drop_before":
            _cut(server)
            return "421 gone"
        while self.mode == "hang":
            await asyncio.sleep(0.02)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.mode == "drop_after":
            _cut(server)
        return "250 2.0.0 taken"


class _Controller(Controller):
    """The thread ends even while a letter hangs."""

    def __init__(self, handler: MailServer, **where: Any) -> None:
        super().__init__(handler, ready_timeout=10, **where)

    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=True, loop=self.loop)


def _cut(server: SMTP) -> None:
    """End the connection without a word."""
    cast(asyncio.Transport, server.transport).abort()
