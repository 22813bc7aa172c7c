"""The log of a child: the child appends, the supervisor keeps it small and reads the errors."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LIMIT = 5_000_000  # bytes; one older file is kept beside it
AT_ONCE = 5  # lines shown of one look; the rest stands in the file

_ALARM = re.compile(r"\b(ERROR|CRITICAL)\b")


@dataclass
class Log:
    """One file. A child writes into it directly, so that a slow supervisor never stops a child."""

    path: Path
    seen: int = 0  # bytes
    in_traceback: bool = False

    def open(self) -> IO[bytes]:
        """For a child to append to; what stood there before is no news."""
        stream = self.path.open("ab")
        self.seen = max(self.seen, stream.tell())
        return stream

    def news(self) -> list[str]:
        """The lines since the last look that tell of errors, a traceback by its last line."""
        found = [readable(line) for line in self._unread() if self._alarms(line)]
        if len(found) > AT_ONCE:
            found[AT_ONCE:] = [f"… and {len(found) - AT_ONCE} more, see {self.path}"]
        return found

    def last_line(self) -> str:
        try:
            with self.path.open("rb") as stream:
                stream.seek(max(0, self.path.stat().st_size - 10_000))
                return readable(stream.read().decode(errors="replace").strip().splitlines()[-1])
        except (OSError, IndexError):
            return ""

    def trim(self) -> None:
        """Move a long log aside and empty it in place: its child goes on appending."""
        try:
            if self.path.stat().st_size > LIMIT:
                shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
                self.path.write_bytes(b"")
                self.seen = 0
        except OSError:
            return  # a full disk must not stop the supervisor

    def _unread(self) -> list[str]:
        """Whole lines only: half a line is read when it is finished."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.seen)
                whole, end, _ = stream.read(LIMIT).rpartition(b"\n")
        except OSError:
            return []
        self.seen += len(whole) + len(end)
        return whole.decode(errors="replace").splitlines()

    def _alarms(self, line: str) -> bool:
        said = _object(line)
        if said:
            return said.get("level") in ("error", "critical")
        if line.startswith("Traceback (most recent call last)"):
            self.in_traceback = True
            return False
        if self.in_traceback and line.strip() and not line.startswith(" "):
            self.in_traceback = False
            return True
        return bool(_ALARM.search(line))


def readable(line: str) -> str:
    """A line as people read it: of JSON the level, who says it, what, and the error's last line."""
    said = _object(line)
    if not said:
        return line
    last = str(said.get("traceback", "")).strip().splitlines()[-1:]
    return " ".join((f"{str(said['level']).upper()} {said['log']}: {said['message']}", *last))


def _object(line: str) -> dict[str, Any]:
    """The log line of one of our processes (kernel.logs); nothing for any other line."""
    try:
        said = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) and {"level", "log", "message"} <= said.keys() else {}
