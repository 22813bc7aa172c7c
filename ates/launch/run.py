"""`python3 -m ates run`: everything on one host, one screen, until Ctrl-C."""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from ates.config import Config
from ates.kernel.errors import ConfigError
from ates.launch import address, bootstrap, folder, screen, waker
from ates.launch.application import Application, Stopped
from ates.launch.children import Child, Family
from ates.launch.cron import Cron
from ates.launch.logs import Log

READY_WITHIN = 120.0  # a busy machine takes its time
EVENTS_SILENT = 40.0  # seconds: one batch may wait 30 s for the database
MAIL_SILENT = 90.0  # one letter may take 60 s


def main(words: Sequence[str] | None = None) -> int:
    """Run until told to stop. Exit 0 after a stop, 78 with a sentence if the start is refused."""
    options = _parser().parse_args(words)
    environ = bootstrap.environment(os.environ)
    if options.data:
        environ["ATES_DATA"] = str(Path(options.data).expanduser().absolute())
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return _run(options, environ, stopping)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m ates run", description="Start aTES here.")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument(
        "--port", type=address.port, default=8000, metavar="PORT", help="default: %(default)s"
    )
    parser.add_argument(
        "--data", metavar="DIR", help="data folder (default: ATES_DATA, else var/ in the checkout)"
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        help="fill a new data folder with a small company (default: yes)",
    )
    parser.add_argument(
        "--workers",
        type=address.positive,
        default=1,
        metavar="N",
        help="web processes (default: %(default)s)",
    )
    parser.add_argument(
        "--insecure-http", action="store_true", help="allow plain http beyond this machine"
    )
    return parser


def _run(options: argparse.Namespace, environ: dict[str, str], stopping: list[int]) -> int:
    if not options.insecure_http:
        address.refuse_network(options.host)
    data = Path(environ["ATES_DATA"])
    environ["ATES_URL"] = environ.get("ATES_URL") or address.url(options.host, options.port)
    folder.make(data)
    with folder.Lock(data, address.url(options.host, options.port)):
        # After the lock: a running aTES explains a busy port.
        address.refuse_busy(options.host, options.port)
        config = folder.prepare(environ, demo=options.demo is not False)
        if options.demo and not folder.demo_mark(data).exists():
            screen.say("The data folder is not new: it is not filled with the demonstration.")
        runtime = waker.runtime_folder()
        try:
            return _supervise(options, environ, config, runtime, stopping)
        finally:
            shutil.rmtree(runtime, ignore_errors=True)


def _supervise(
    options: argparse.Namespace,
    environ: dict[str, str],
    config: Config,
    runtime: Path,
    stopping: list[int],
) -> int:
    application = Application(environ, stopping)
    with contextlib.suppress(Stopped):
        _fill(config, application)
    if stopping:
        return 0
    family = Family(_children(options, environ, config, runtime), screen.say)
    cron = Cron(environ, config, bootstrap.CHECKOUT, screen.say)
    try:
        _start(family)
        if _wait_ready(family, options, stopping):
            with contextlib.suppress(Stopped):
                print(screen.ready(application, config), flush=True)
        while not stopping:
            family.tick()
            cron.tick()
            time.sleep(0.2)
        screen.say("Stopping ...")
    finally:
        cron.stop()
        family.stop()
        cron.reap()
    screen.say("Stopped.")
    return 0


def _fill(config: Config, application: Application) -> None:
    """The demonstration, where it was promised. What was interrupted explains how to start over."""
    mark = folder.demo_mark(config.data)
    if mark.exists() and not config.production:
        screen.say("Filling the new data folder with a company and its last ten days ...")
        application.ask("demo", "--yes", aloud=True)
        mark.unlink()


def _start(family: Family) -> None:
    try:
        family.start()
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be started: {error.strerror}.") from None


def _children(
    options: argparse.Namespace, environ: dict[str, str], config: Config, runtime: Path
) -> list[Child]:
    def child(name: str, words: list[str], silent: float = 0.0) -> Child:
        beat = config.data / "run" / f"{name}.beat" if silent else None
        log = Log(config.data / "log" / f"{name}.log")
        return Child(name, words, environ, log, bootstrap.CHECKOUT, beat, silent)

    environ.setdefault("ATES_LOG", "json")  # into files; the screen says what matters
    children = []
    if not config.redis_url:
        words, environ["ATES_REDIS_URL"] = waker.command(runtime)
        children.append(child("redis", words))
    flask = Application.words("worker")
    web = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", options.host),
        *("--port", str(options.port), "--workers", str(options.workers)),
        *("--blocking-threads", "8", "--workers-kill-timeout", "3", "--no-access-log", "--no-ws"),
        *("--respawn-failed-workers", "--respawn-interval", "1"),
        *("--log-config", str(Path(__file__).with_name("granian.json")), "wsgi:app"),
    ]
    children.append(child("events", [*flask, "events"], EVENTS_SILENT))
    children.append(child("mail", [*flask, "mail"], MAIL_SILENT))
    children.append(child("web", web))
    return children


def _wait_ready(family: Family, options: argparse.Namespace, stopping: list[int]) -> bool:
    """Whether the pages answer; False if somebody stops us before. Raises ConfigError."""
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and not stopping:
        family.tick()
        if address.answers(options.host, options.port, "/readyz?for=pages"):
            return True
        time.sleep(0.1)
    if stopping:
        return False
    raise ConfigError(f"The pages did not answer within {READY_WITHIN:.0f} s; see the logs.")


if __name__ == "__main__":
    sys.exit(main())
