"""What the supervisor is made of: logs, addresses, children that hang, the tick."""

import argparse
import os
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ates.kernel import clock
from ates.kernel.errors import ConfigError
from ates.launch import address, logs, waker
from ates.launch.children import Child, Family
from ates.launch.cron import Cron
from ates.launch.logs import Log
from tests.engines.settings import trial

LINES = b"""[INFO] Started worker-1
2026-11-24 ERROR in app: the roof leaks
Traceback (most recent call last):
  File "roof.py", line 1, in <module>
ValueError: rain
half a li"""


def test_json_lines_are_shown_as_people_read_them(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    said = '{"at":"…","level":"%s","log":"ates.web","message":"the roof leaks"%s}\n'
    with log.open() as stream:
        stream.write((said % ("info", "")).encode())
        stream.write((said % ("error", ',"traceback":"Traceback\\nValueError: rain"')).encode())
        stream.write(b'{"level": "error"\n')
    assert log.news() == ["ERROR ates.web: the roof leaks ValueError: rain"]
    assert log.last_line() == '{"level": "error"'


def test_errors_in_a_log_are_shown_once(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    log.path.write_bytes(LINES)
    assert log.news() == ["2026-11-24 ERROR in app: the roof leaks", "ValueError: rain"]
    assert log.news() == []
    with log.path.open("ab") as more:
        more.write(b"ne: ERROR\n")
    assert log.news() == ["half a line: ERROR"]


def test_a_storm_of_errors_stays_in_the_file(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    log.path.write_text("ERROR: again\n" * 1000)
    assert len(log.news()) == logs.AT_ONCE + 1


def test_a_long_log_is_moved_aside_under_its_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LIMIT", 100)
    log = Log(tmp_path / "web.log")
    with log.open() as child:
        child.write(b"x" * 101 + b"\n")
        child.flush()
        log.trim()
        child.write(b"after: ERROR\n")
    assert (tmp_path / "web.log.1").stat().st_size == 102
    assert log.path.read_bytes() == b"after: ERROR\n"
    assert log.news() == ["after: ERROR"]


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")])
def test_the_address_can_be_typed_into_a_browser(host: str, shown: str) -> None:
    assert address.url(host, 8000) == f"http://{shown}:8000"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_may_speak_plain_http(host: str) -> None:
    address.refuse_network(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "ates.example"])
def test_others_are_not_shown_passwords(host: str) -> None:
    with pytest.raises(ConfigError, match="plain http"):
        address.refuse_network(host)


@pytest.mark.parametrize("word", ["0", "65536", "-1", "http", ""])
def test_what_is_no_port(word: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        address.port(word)


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {number} on 127.0.0.1"):
            address.refuse_busy("127.0.0.1", number)


def test_the_embedded_valkey_is_a_program() -> None:
    assert os.access(waker.embedded(), os.X_OK)


def test_the_socket_has_a_short_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    folder = waker.runtime_folder()
    folder.rmdir()
    _, url = waker.command(folder)
    assert len(url.removeprefix("unix://")) <= waker.LONGEST_SOCKET


def test_a_child_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    beat = tmp_path / "events.beat"
    code = f"import pathlib, time; pathlib.Path({str(beat)!r}).touch(); time.sleep(60)"
    log = Log(tmp_path / "events.log")
    child = Child("events", [sys.executable, "-c", code], os.environ, log, tmp_path, beat, 0.5)
    family = Family([child], said.append)
    family.start()
    assert child.process is not None
    pids = {child.process.pid}
    until = time.monotonic() + 15
    try:
        while time.monotonic() < until and len(pids) == 1:
            family.tick()
            pids.add(child.process.pid)
            time.sleep(0.05)
        assert len(pids) == 2
    finally:
        family.stop()
    assert "no sign of life" in said[0]
    assert "signal 9" in said[1]


def test_a_child_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    said: list[str] = []
    log = Log(tmp_path / "web.log")
    child = Child("web", [str(tmp_path / "none")], os.environ, log, tmp_path)
    family = Family([child], said.append)
    with pytest.raises(OSError, match="none"):
        family.start()
    family.tick()
    child.restart_at = 0.0
    family.tick()
    family.stop()
    assert "cannot be started" in said[-1]


def test_payout_is_due_when_a_business_day_has_closed(tmp_path: Path) -> None:
    """The grace of the day and two seconds after midnight, in the business zone."""
    (tmp_path / "log").mkdir()
    config = trial(tmp_path, "", timezone="Europe/Berlin", close_grace=120)
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    with clock.frozen(midnight):
        cron = Cron(os.environ, config, tmp_path, print)
        payout = cron.entries[0]
        payout.due = time.monotonic() + 600
        cron.tick()
    with clock.frozen(midnight + timedelta(seconds=121)):
        cron.tick()
    early = payout.process is not None
    with clock.frozen(midnight + timedelta(seconds=123)):
        cron.tick()
    in_time = payout.process is not None
    assert (early, in_time) == (False, True)
    cron.stop()
    cron.reap()
