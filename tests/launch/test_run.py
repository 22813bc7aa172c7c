"""`python3 -m ates run`: what it starts, refuses, restarts and stops."""

import os
import signal
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ates.kernel.errors import ConfigError
from ates.launch import folder
from tests.engines.run import free_port

from . import running
from .running import Running, ates, run

pytestmark = pytest.mark.xdist_group("launch")  # they share one start


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A fresh start with the demonstration company."""
    started = running.start(tmp_path_factory.mktemp("run"))
    try:
        started.wait_for("Stop +Ctrl-C", 110)
        yield started
    finally:
        started.stop()


def test_a_fresh_start_answers_and_prints_one_screen(demo: Running) -> None:
    assert demo.status("/readyz?for=pages") == 200
    assert demo.url in demo.screen
    for role in ("admin", "manager", "accountant", "employee"):
        assert role in demo.screen
    assert "mailbox" in demo.screen


def test_a_new_folder_is_filled_with_a_whole_company(demo: Running) -> None:
    done = ates("-m", "ates", "auth", "list-people", ATES_DATA=str(demo.data))
    assert len(done.stdout.splitlines()) == 40, done.stderr
    assert not list((demo.data / "run").glob("demo-*")), "no mark of an unfinished one"
    assert list((demo.data / "mail").glob("*.eml"))


def test_a_company_left_half_made_explains_how_to_start_over(tmp_path: Path) -> None:
    started = running.start(tmp_path)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not _has_people(started.data / "ates.sqlite3"):
            time.sleep(0.05)
        assert started.stop() < 5
    finally:
        started.process.kill()
    again = run("--data", str(started.data), "--port", str(free_port()))
    assert again.returncode == 78
    assert f"remove {started.data}" in again.stderr


def test_secrets_and_books_are_for_their_owner_alone(demo: Running) -> None:
    for path in [*(demo.data / "secrets").iterdir(), demo.data / "ates.sqlite3"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((demo.data / "secrets").stat().st_mode) == 0o700


def test_a_second_run_on_the_same_folder_is_refused(demo: Running) -> None:
    second = run("--data", str(demo.data), "--port", str(free_port()))
    assert second.returncode != 0
    assert "already runs" in second.stderr
    assert str(demo.process.pid) in second.stderr


def test_a_busy_port_is_refused(demo: Running, tmp_path: Path) -> None:
    second = run("--data", str(tmp_path / "other"), "--port", str(demo.port))
    assert second.returncode != 0
    assert f"Port {demo.port}" in second.stderr
    assert not (tmp_path / "other" / "ates.sqlite3").exists()


def test_a_killed_child_is_started_again(demo: Running) -> None:
    before = demo.child("worker events")
    os.kill(before, signal.SIGKILL)
    demo.wait_for("events ended", 10)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        found = [pid for pid, line in demo.children().items() if "worker events" in line]
        if found and found != [before]:
            break
        time.sleep(0.1)
    assert found != [before]
    assert demo.status("/healthz") == 200


def test_a_killed_web_server_leaves_nobody_on_its_port(demo: Running) -> None:
    """Its workers would go on answering, with the old code and without a master."""
    master = demo.child("granian --interface")
    until = time.monotonic() + 10  # it may be replacing its worker at this moment
    while time.monotonic() < until and not running.descendants(master):
        time.sleep(0.1)
    workers = set(running.descendants(master))
    assert workers
    os.kill(master, signal.SIGKILL)
    demo.wait_for("web ended", 10)
    until = time.monotonic() + 20
    while time.monotonic() < until and not _answers(demo):
        time.sleep(0.1)
    assert _answers(demo)
    assert not workers & set(demo.children())


def test_any_other_word_is_flasks_command_line(demo: Running) -> None:
    done = ates("-m", "ates", "events", "status", ATES_DATA=str(demo.data))
    assert "analytics" in done.stdout, done.stderr


def test_without_demo_it_names_the_command_for_the_first_admin_and_stops_in_time(
    tmp_path: Path,
) -> None:
    started = running.start(tmp_path, "--no-demo")
    try:
        started.wait_for("Stop +Ctrl-C")
        assert "create-person" in started.screen
        assert "Sign in as" not in started.screen
        children = started.children()
        assert len(children) >= 4
        assert started.stop() < 5
    finally:
        started.process.kill()
    assert started.process.wait() == 0
    assert not [line for pid, line in children.items() if _alive(pid, line)]


def test_killed_with_9_it_takes_its_children_along(tmp_path: Path) -> None:
    started = running.start(tmp_path, "--no-demo")
    try:
        started.wait_for("Stop +Ctrl-C")
        children = started.children()
    finally:
        started.process.kill()
        started.process.wait()
    until = time.monotonic() + 6
    while time.monotonic() < until and any(_alive(*each) for each in children.items()):
        time.sleep(0.1)
    assert not [line for pid, line in children.items() if _alive(pid, line)]


def test_plain_http_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    done = run("--host", "0.0.0.0", "--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert "--insecure-http" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_whose_parent_is_missing_is_refused(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path / "no" / "data"))
    assert done.returncode != 0
    assert str(tmp_path / "no") in done.stderr


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    done = run("--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert "cannot be written" in done.stderr


def test_missing_secrets_beside_books_refuse_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder.prepare({"ATES_DATA": str(data)})
    (data / "secrets" / "books_keys").unlink()
    done = run("--data", str(data), "--port", str(free_port()))
    assert done.returncode != 0
    assert "books_keys" in done.stderr
    assert not (data / "secrets" / "books_keys").exists()


def test_a_database_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder.prepare({"ATES_DATA": str(data)})
    with sqlite3.connect(data / "ates.sqlite3") as books:
        books.execute("UPDATE alembic_version SET version_num = '9999'")
    books.close()
    done = run("--data", str(data), "--port", str(free_port()))
    assert done.returncode != 0
    assert "newer version" in done.stderr


PRODUCTION = {
    "ATES_ENV": "production",
    "ATES_URL": "https://ates.example",
    "ATES_ALLOW_SQLITE": "1",
    "ATES_SMTP_URL": "smtp://127.0.0.1",
    "ATES_REDIS_URL": "redis://127.0.0.1",
}


def test_production_makes_no_secrets(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path / "data"), "--port", str(free_port()), **PRODUCTION)
    assert done.returncode != 0
    assert "secret_key" in done.stderr
    assert not (tmp_path / "data" / "secrets").exists()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("ATES_SECRET_KEY", "changeme", "too short"),
        ("ATES_SECRET_KEY", "x" * 40, "guessed"),
        ("ATES_URL", "http://ates.example", "https"),
        ("ATES_ALLOW_SQLITE", "", "PostgreSQL"),
        ("ATES_SMTP_URL", "", "ATES_SMTP_URL"),
        ("ATES_TEST_CLOCK", "1", "ATES_TEST_CLOCK"),
        ("ATES_UNSAFE_DATABASE", "1", "ATES_UNSAFE_DATABASE"),
        ("ATES_TIMEZONE", "Mars/Olympus", "time zone"),
    ],
)
def test_a_production_start_with_a_bad_setting_is_refused(
    tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    folder.prepare({"ATES_DATA": str(tmp_path / "data")})
    environ = {**PRODUCTION, "ATES_DATA": str(tmp_path / "data"), setting: value}
    with pytest.raises(ConfigError, match=sentence):
        folder.prepare(environ)


def test_every_command_refuses_a_bad_setting_in_a_sentence(tmp_path: Path) -> None:
    done = ates(
        *("-m", "flask", "--app", "wsgi.py", "events", "status"),
        **{**PRODUCTION, "ATES_DATA": str(tmp_path)},
    )
    assert done.returncode != 0
    assert "There is no secret_key" in done.stderr
    assert "Traceback" not in done.stderr


def _has_people(books: Path) -> bool:
    if not books.exists():
        return False
    try:
        with closing(sqlite3.connect(books)) as reader:
            return bool(reader.execute("SELECT 1 FROM auth_person").fetchall())
    except sqlite3.OperationalError:  # the tables are being made
        return False


def _answers(demo: Running) -> bool:
    try:
        return demo.status("/readyz?for=pages") == 200
    except OSError:
        return False


def _alive(pid: int, line: str) -> bool:
    """Still the same process, not another one that got its number."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") == line
    except (FileNotFoundError, ProcessLookupError):
        return False
