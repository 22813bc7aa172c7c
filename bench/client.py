"""Sixteen people who ask for one page again and again; a process of its own, with plain sockets."""

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Asker:
    """One kept connection with one request under way."""

    line: socket.socket
    request: bytes
    got: bytearray = field(default_factory=bytearray)
    length: int = -1  # of the whole answer, once its head is here
    begun: float = 0.0

    def ask(self) -> None:
        self.got.clear()
        self.length, self.begun = -1, time.perf_counter()
        self.line.sendall(self.request)

    def hear(self) -> bool:
        """Whether the answer is complete. Raises ConnectionError for anything but a 200."""
        self.got += self.line.recv(262_144)
        if self.length < 0:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.got[:end]).lower()
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise ConnectionError(head.decode())
            size = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            self.length = end + 4 + int(size)
        return len(self.got) >= self.length


def main(host: str, port: int, path: str, cookie: str, clients: int, seconds: float) -> None:
    """Print how many answers came within the time, and how long each took."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n"
        "Accept: text/html\r\nAccept-Language: en\r\n\r\n"
    ).encode()
    chooser = selectors.DefaultSelector()
    for _ in range(clients):
        asker = Asker(socket.create_connection((host, port)), request)
        chooser.register(asker.line, selectors.EVENT_READ, asker)
        asker.ask()
    taken = []
    begun = time.perf_counter()
    while time.perf_counter() < begun + seconds:
        for key, _ in chooser.select(1):
            asker = key.data
            if asker.hear():
                taken.append(time.perf_counter() - asker.begun)
                asker.ask()
    print(json.dumps({"taken": taken, "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    host, port, path, cookie, clients, seconds = sys.argv[1:]
    main(host, int(port), path, cookie, int(clients), float(seconds))
