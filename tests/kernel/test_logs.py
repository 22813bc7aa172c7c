"""Log lines: JSON whatever is in them, braked, without secrets, and never a fault of their own."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ates.kernel import clock, logs
from ates.kernel.events import Cause, caused

TOKEN = "ates_9fJx2LkQmVb7RtYcWz0HsNdEpA4uGi8oKl3TqXwZr5M"
SESSION = "Z_D922CUZ2asJQWX4fv-zRX2PqYpNVpN8km-x9sZigg"
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
KEY = "5a" * 32


class Lines:
    """What was written, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        text = self.stream.getvalue()
        assert text.endswith("\n") or not text
        assert text.isascii()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    @property
    def last(self) -> dict[str, Any]:
        return self.all()[-1]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The logging of the test run itself is put back."""
    root, ates = logging.getLogger(), logging.getLogger("ates")
    before = root.handlers[:], root.level, ates.level, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[3], before[4]
    root.setLevel(before[1])
    ates.setLevel(before[2])
    logging.captureWarnings(False)
    logs.hide(tuple)


@pytest.fixture
def written() -> Lines:
    """Configured for JSON, into memory; one key and one password of the settings are known."""
    lines = Lines()
    logs.configure("json", hidden=["hunter2-hunter2", "short"], stream=lines.stream)
    return lines


log = logging.getLogger("ates.test")


def test_a_line_says_when_how_grave_who_and_what(written: Lines) -> None:
    with caused(Cause("0190-click", None, None)):
        log.info("batch of %s", 5, extra={"consumer": "accounting", "ms": 1.5})
    said = written.last
    assert said.pop("at").endswith("Z")
    assert said == {
        "level": "info",
        "log": "ates.test",
        "message": "batch of 5",
        "request": "0190-click",
        "consumer": "accounting",
        "ms": 1.5,
    }


@pytest.mark.parametrize(
    "hostile",
    ['a\nlevel="critical"', "\x1b[31mred\x1b[0m", "\u2028\u2029\x85", '"}{"a":1', "я" * 50, "\x00"],
)
def test_whatever_is_in_it_it_stays_one_json_object(written: Lines, hostile: str) -> None:
    log.warning("said %s", hostile, extra={"field": hostile})
    (said,) = written.all()
    assert said["message"] == f"said {hostile}"
    assert said["field"] == hostile or len(hostile) > logs.SHORT


def test_a_megabyte_is_cut(written: Lines) -> None:
    huge = "x y" * 350_000
    try:
        raise ValueError(huge)
    except ValueError:
        log.exception(huge, extra={"field": huge})
    assert len(written.stream.getvalue()) < 9_000
    assert len(written.all()) == 1


def test_a_traceback_stands_inside_the_object(written: Lines) -> None:
    try:
        raise ZeroDivisionError("by nought")
    except ZeroDivisionError:
        log.exception("it broke")
    assert "ZeroDivisionError: by nought" in written.last["traceback"]
    assert "test_a_traceback_stands_inside" in written.last["traceback"]


@pytest.mark.parametrize("secret", [TOKEN, SESSION, JWT, KEY, "hunter2-hunter2", "p@popug.example"])
def test_no_secret_is_written_wherever_it_stands(written: Lines, secret: str) -> None:
    try:
        try:
            raise KeyError(f"no {secret}")
        except KeyError as error:
            raise RuntimeError(f"with {secret} in it\nDETAIL: Key (x)=({secret})") from error
    except RuntimeError:
        log.exception("saw %s", secret, extra={"field": f"a long field that holds {secret} too"})
    text = written.stream.getvalue()
    assert secret not in text
    assert "<" in written.last["message"]


def test_what_a_person_typed_is_written_in_no_error(written: Lines) -> None:
    logs.hide(lambda: ["the parrot's name", "abc"])
    try:
        raise ValueError("invalid literal: 'the parrot's name'")
    except ValueError:
        log.exception("typed the parrot's name")
    assert "parrot's name" not in written.stream.getvalue().replace("raise ValueError(", "", 1) or (
        "invalid literal: '<typed>'" in written.last["traceback"]
    )
    assert written.last["message"] == "typed <typed>"


def test_names_of_generations_and_ids_are_no_secrets(written: Lines) -> None:
    plain = (
        "analytics@2 stands at 0190c5f0-1b2c-7000-8000-0123456789ab in test_a_long_name_1_of_mine"
    )
    log.info(plain)
    assert written.last["message"] == plain


def test_equal_errors_are_braked_and_counted(
    written: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for number in range(100):
        log.error("number %s failed", number)
    log.error("another")
    for _ in range(30):
        log.info("information is not braked")
    assert len(written.all()) == logs.SAME + 1 + 30
    now = 1001.0
    log.error("number %s failed", 100)
    counted, fresh = written.all()[-2:]
    assert (counted["message"], counted["repeated"]) == ("number %s failed", 90)
    assert fresh["message"] == "number 100 failed"


def test_a_write_that_fails_is_counted_and_hurts_nobody() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    lines = logs.configure("json", stream=Full())
    log.error("nobody will read this")
    log.info("nor %s", "this")
    assert lines.failed == 2
    assert logs.lines() is lines


def test_a_wrong_format_loses_no_line(written: Lines) -> None:
    record = log.makeRecord("ates", logging.WARNING, "", 1, "%s and %s", ("one",), None)
    lines = logs.lines()
    assert lines is not None
    lines.handle(record)
    assert written.last["message"] == "%s and %s"


def test_what_nobody_caught_is_a_line(written: Lines) -> None:
    def fail() -> None:
        raise LookupError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert written.last["level"] == "critical"
    assert "LookupError: in a thread" in written.last["traceback"]


@pytest.mark.parametrize("say", [log.warning, log.error])
def test_text_is_for_people_and_keeps_to_its_line(say: Callable[..., None]) -> None:
    stream = io.StringIO()
    logs.configure("text", stream=stream)
    log.info("not told at a terminal")
    say("two\nlines of %s", TOKEN, extra={"consumer": "tasks"})
    (line,) = stream.getvalue().splitlines()
    assert "two\ufffdlines of <token> consumer=tasks" in line
