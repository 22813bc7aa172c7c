"""Log lines: one JSON object each (or text for a terminal), no secret in them, never a fault."""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, Literal

from ates.kernel import clock
from ates.kernel.events import cause

Kind = Literal["json", "text"]
Info = tuple[type[BaseException], BaseException, TracebackType | None]

MESSAGE = 2000  # characters; the rest of a message is cut
TRACEBACK = 5000  # characters, from its end: with everything else one write of a pipe's buffer
WORD = 200
SAME = 10  # equal warnings or errors a second; what comes above is counted
SHORT = 36  # an id; longer texts are searched for secrets

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(
    r"(?P<detail>\b(?:DETAIL|CONTEXT):[^\n]*)"  # where PostgreSQL repeats the values of a row
    r"|(?P<address>[\w.+%-]+@[A-Za-z][\w-]*(?:\.[\w-]+)*)"
    r"|(?P<token>\bates_[\w-]{16,}|\beyJ[\w-]+\.[\w-]+\.[\w-]+|\b[0-9a-f]{40,}\b"
    r"|\b(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{32,})"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# What a person typed in the request at hand: it stands in no line, whatever an error repeats.
_typed: ContextVar[Callable[[], Iterable[str]]] = ContextVar("typed", default=tuple)


def configure(
    kind: Kind,
    *,
    hidden: Sequence[str] = (),
    stream: IO[str] | None = None,
) -> "Lines":
    """Send the log lines of this process to one place (default: stderr); done once, at its start.

    In JSON also what nobody caught, warnings and the web server's own lines become log lines. Text
    is for people at a terminal, who are told of trouble alone; workers tell them more.
    """
    lines = Lines(stream or sys.stderr, Json(hidden) if kind == "json" else Text(hidden))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(lines)
    root.setLevel(logging.WARNING)
    logging.getLogger("ates").setLevel(logging.INFO if kind == "json" else logging.WARNING)
    if kind == "json":
        for name in ("_granian", "granian.access"):  # it brings handlers of its own
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = lambda args: _uncaught(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
    return lines


def lines() -> "Lines | None":
    """Where this process writes its lines; None before `configure`."""
    return next((each for each in logging.getLogger().handlers if isinstance(each, Lines)), None)


def hide(typed: Callable[[], Iterable[str]]) -> None:
    """From now on in this request: words that must not stand in any line."""
    _typed.set(typed)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("ates").critical("nobody caught this", exc_info=(kind, error, trace))


# --- one line -------------------------------------------------------------------------------------


class Text(logging.Formatter):
    """For a terminal: moment, level, who, what, and the fields behind it."""

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.hidden = sorted((each for each in hidden if len(each) >= 8), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        said = self.fields(record)
        trace = said.pop("traceback", "")
        head = f"{said.pop('at')} {said.pop('level').upper()} {said.pop('log')}:"
        rest = " ".join(f"{name}={value}" for name, value in said.items() if name != "message")
        line = _CONTROL.sub("\ufffd", f"{head} {said['message']} {rest}".rstrip())
        return f"{line}\n{trace}" if trace else line

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What a line says, without secrets and with an end."""
        more = {name: each for name, each in record.__dict__.items() if name not in _STANDARD}
        said: dict[str, Any] = {
            "at": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "level": record.levelname.lower(),
            "log": record.name[:WORD],
            "message": self._clean(_message(record), MESSAGE),
        }
        request = more.pop("request", None) or cause().correlation_id
        if request:
            said["request"] = str(request)[:WORD]
        said |= {name: self._value(each) for name, each in more.items()}
        if record.exc_info and record.exc_info[0] is not None:
            said["traceback"] = self._traceback(record.exc_info)
        return said

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        text = str(value)
        return text if len(text) <= SHORT else self._clean(text, WORD)

    def _traceback(self, info: Info) -> str:
        """As Python writes it; what errors say is searched for typed words, lines of code not."""
        text = self.formatException(info)
        error: BaseException | None = info[1]
        for _ in range(10):
            if error is None:
                break
            words = str(error)
            text = text.replace(words, _without(words, _typed.get())) if words else text
            error = error.__cause__ or error.__context__
        return self._plain(text)[-TRACEBACK:]

    def _clean(self, text: str, limit: int) -> str:
        text = self._plain(_without(text[: limit * 4], _typed.get()))
        return text if len(text) <= limit else f"{text[:limit]}…"

    def _plain(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, "<secret>")
        return _SECRETS.sub(lambda found: f"<{found.lastgroup}>", text)


class Json(Text):
    """One JSON object, in ASCII: no newline, no control character gets out of it."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), separators=(",", ":"), default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a wrong format string must not lose the line
        return str(record.msg)


def _without(text: str, typed: Callable[[], Iterable[str]]) -> str:
    try:
        words = sorted({word for word in typed() if len(word) >= 4}, key=len, reverse=True)
    except Exception:  # a request that cannot be read any more
        return text
    for word in words:
        text = text.replace(word, "<typed>")
    return text


# --- all lines ------------------------------------------------------------------------------------

Key = tuple[str, int, str, str]


class Lines(logging.StreamHandler[IO[str]]):
    """Writes lines; equal warnings and errors are braked, and a write that fails is counted."""

    def __init__(self, stream: IO[str], formatter: logging.Formatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self.failed = 0  # lines that could not be written
        self._second = -1
        self._said: dict[Key, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        second = int(clock.monotonic())
        if second != self._second:
            self._second = second
            self.count_held_back()
        if record.levelno >= logging.WARNING:
            key = _key(record)
            self._said[key] = self._said.get(key, 0) + 1
            if self._said[key] > SAME:
                return
        self._write(record)

    def count_held_back(self) -> None:
        """Say how often what was held back in the last second."""
        said, self._said = self._said, {}
        for (name, level, message, _), times in said.items():
            if times > SAME:
                more: Mapping[str, Any] = {"repeated": times - SAME, "name": name, "levelno": level}
                record = logging.makeLogRecord(
                    {**more, "msg": message, "levelname": logging.getLevelName(level)}
                )
                self._write(record)

    def close(self) -> None:
        self.acquire()
        try:
            self.count_held_back()
        finally:
            self.release()
        super().close()

    def _write(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(self.format(record) + self.terminator)
            self.flush()
        except Exception:  # a full disk, a closed pipe: the work goes on without its line
            self.failed += 1


def _key(record: logging.LogRecord) -> Key:
    error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
    return (record.name, record.levelno, str(record.msg)[:WORD], error)
