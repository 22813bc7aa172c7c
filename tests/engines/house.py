"""A whole installation of real processes on free ports, which a test may kill at any time."""

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import text

from ates.kernel.db import WORK, Database

from . import postgres, run, sqlite
from .people import form_of
from .settings import BOOKS_KEYS, SECRET_KEY, SIGNING_KEY
from .smtp import MailServer
from .wake import WakeServer

HOME = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds until something that should happen counts as not happening


@dataclass
class Answer:
    """What came back, after redirects."""

    status: int
    url: str
    text: str


class Guest:
    """A browser without scripts: keeps cookies, follows redirects, fills in forms."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> Answer:
        return self._send(urllib.request.Request(self._full(path)))

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self._send(urllib.request.Request(self._full(path), data=body, method="POST"))

    def submit(self, page: str, action: str = "", *, twice: bool = False, **fields: str) -> Answer:
        """Open `page`, fill in the form that leads to `action` (default: the page), send it."""
        shown = self.get(page)
        assert shown.status == 200, f"{page}: {shown.status}\n{shown.text}"
        target, drawn = form_of(shown.text, action or page)
        answer = self.post(target or page, {**drawn, **fields})
        return self.post(target or page, {**drawn, **fields}) if twice else answer

    def _full(self, path: str) -> str:
        return urllib.parse.urljoin(self.url, path)

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=PATIENCE) as reply:
                return Answer(reply.status, reply.url, reply.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url or "", error.read().decode())


@dataclass
class House:
    """Web, workers, alarm clock and mail server around one data folder."""

    data: Path
    database_url: str
    wake: WakeServer
    mail: MailServer
    port: int = field(default_factory=run.free_port)
    settings: dict[str, str] = field(default_factory=dict)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {
            **inherited,
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ATES_DATA": str(self.data),
            "ATES_DATABASE_URL": self.database_url,
            "ATES_REDIS_URL": self.wake.url,
            "ATES_SMTP_URL": self.mail.url,
            "ATES_URL": self.url,
            "ATES_SECRET_KEY": SECRET_KEY,
            "ATES_SIGNING_KEY": SIGNING_KEY,
            "ATES_BOOKS_KEYS": BOOKS_KEYS,
            "ATES_UNSAFE_DATABASE": "1",
            "ATES_TEST_CLOCK": "1",
            **self.settings,
        }

    # --- processes ------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start `web`, `events` or `mail`; without names all of them, and wait for the pages."""
        for name in names or ("web", "events", "mail"):
            with (self.data / f"{name}.log").open("ab") as log:
                self.processes[name] = self._spawn(self._command(name), log)
        if "web" in (names or ("web",)):
            self.until(self._answers, "the pages answer")

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signal a process and its children; waits for its end, unless it is only stopped."""
        process = self.processes[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            process.wait(timeout=PATIENCE)
            del self.processes[name]

    def restart(self, name: str) -> None:
        """kill -9 and start again."""
        self.kill(name)
        self.start(name)

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def flask(self, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi.py", *words],
            cwd=HOME,
            env=self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command and do not wait for it."""
        with (self.data / "commands.log").open("ab") as log:
            return self._spawn([sys.executable, "-m", "flask", "--app", "wsgi.py", *words], log)

    def logs(self) -> str:
        """What the processes wrote, for a failing test."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-4000:]}" for path in self.data.glob("*.log")
        )

    # --- people ---------------------------------------------------------------------------------

    def guest(self) -> Guest:
        return Guest(self.url)

    def sign_in(self, email: str, password: str) -> Guest:
        guest = self.guest()
        answer = guest.submit("/auth/sign-in", email=email, password=password)
        assert answer.status == 200, answer.text
        assert "/auth/sign-in" not in answer.url, f"{email} was not let in"
        return guest

    def accept(self, email: str, password: str) -> Guest:
        """Follow the link of the invitation, set a password, sign in."""
        self.until(lambda: bool(self.mail.to(email)), f"an invitation reaches {email}")
        body = self.mail.to(email)[-1].get_content()
        link = re.search(r"https?://\S+", body)
        assert link, body
        answer = self.guest().submit(link[0], password=password)
        assert answer.status == 200, answer.text
        return self.sign_in(email, password)

    # --- time -----------------------------------------------------------------------------------

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._offset(), UTC)

    def move_to(self, moment: datetime) -> None:
        """From now on it is `moment` in all processes; never back."""
        assert moment >= self.now(), "time does not run backwards"
        draft = self.data / "clock-offset.new"
        draft.write_text(str(moment.timestamp() - time.time()))
        draft.replace(self.data / "clock-offset")

    def _offset(self) -> float:
        with suppress(FileNotFoundError):
            return float((self.data / "clock-offset").read_text())
        return 0.0

    # --- what is true ---------------------------------------------------------------------------

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(self.database_url, WORK, unsafe=True)
        try:
            yield database
        finally:
            database.close()

    def rows(self, query: str, **values: Any) -> list[Any]:
        """What a query finds in the database."""
        with self.database() as database, database.reading() as session:
            return list(session.execute(text(query), values))

    def one(self, query: str, **values: Any) -> Any:
        """The one value a query finds."""
        ((value,),) = self.rows(query, **values)
        return value

    def until(self, check: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until `check` holds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if check():
                return
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.logs()}")

    def settled(self) -> None:
        """Wait until everything that was said has been heard by all, and by nobody in vain."""
        self.until(self._is_settled, "all events are handled")
        found = self.rows("SELECT consumer, position, error FROM parked WHERE status <> 'skipped'")
        assert found == [], found

    def _is_settled(self) -> bool:
        waiting = """
            SELECT (SELECT count(*) FROM outbox)
                 + (SELECT count(*) FROM consumer c JOIN log_head h ON h.log = c.log
                    WHERE c.position <> h.position)"""
        consumers = "SELECT count(*) FROM consumer"
        return int(self.one(consumers)) > 0 and int(self.one(waiting)) == 0

    # --- helpers --------------------------------------------------------------------------------

    def _command(self, name: str) -> list[str]:
        if name == "web":
            return [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
                *("--port", str(self.port), "--workers", "1", "--blocking-threads", "4"),
                *("--no-access-log", "--log-level", "warning", "wsgi:app"),
            ]
        return [sys.executable, "-m", "flask", "--app", "wsgi.py", "worker", name]

    def _spawn(self, words: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            words,
            cwd=HOME,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        try:
            return self.guest().get("/readyz?for=pages").status == 200
        except OSError:
            return False


@contextmanager
def house(
    data: Path, backend: str, wake: WakeServer, mail: MailServer, **settings: str
) -> Iterator[House]:
    """An installation with a migrated database; nothing runs before `start`."""
    data.mkdir(exist_ok=True)
    name = None
    if backend == "sqlite":
        url = sqlite.copy(data / "ates.sqlite3")
    else:
        server = postgres.server()
        name = server.make()
        url = server.url(name)
    made = House(data, url, wake, mail, settings=settings)
    try:
        yield made
    finally:
        made.close()
        if name:
            postgres.server().drop(name)


def as_json(done: "subprocess.CompletedProcess[str]") -> Any:
    """What a command with `--json` said."""
    return json.loads(done.stdout)
