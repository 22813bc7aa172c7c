"""A TCP proxy that cuts both ends after a given number of bytes."""

import socket
import threading
from contextlib import suppress


class Proxy:
    """In front of a database; `cut_after` counts the bytes of both directions."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.seen, self.cut_after = 0, -1
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, cut_after: int) -> None:
        """Count from zero; -1 never cuts."""
        with self._lock:
            self.seen, self.cut_after = 0, cut_after

    def close(self) -> None:
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self._pairs.append((near, far))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    allowed = len(data)
                    if self.cut_after >= 0:
                        allowed = min(allowed, max(0, self.cut_after - self.seen))
                    self.seen += len(data)
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    self._cut()
        for each in (source, sink):
            with suppress(OSError):
                each.close()

    def _cut(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
