"""A real SMTP server that keeps letters, and misbehaves on demand."""

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.engines import free_port


@dataclass
class Letters:
    """What came in, and how the server behaves: ok, refuse (550), later (451), drop_before or
    drop_after (the connection breaks around the acceptance), hang."""

    raw: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    mood: str = "ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd calls this for each letter."""
        if self.mood == "refuse":
            return "550 no such bird"
        if self.mood == "later":
            return "451 come back later"
        if self.mood == "hang":
            await asyncio.sleep(3600)
        if self.mood == "drop_before":
            server.transport.abort()
            return "250 never seen"
        self.raw.append(bytes(envelope.original_content or envelope.content))
        self.to.append(list(envelope.rcpt_tos))
        if self.mood == "drop_after":
            server.transport.abort()
        return "250 taken"

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(each) for each in self.raw]


class SmtpServer:
    """The server with its letters, on a free port of the loopback address."""

    def __init__(self) -> None:
        self.letters = Letters()
        self.port = free_port()
        self._controller: Any = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._controller = Controller(self.letters, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None
