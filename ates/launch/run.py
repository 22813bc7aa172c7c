"""`python3 -m ates run`: everything on one host, one screen, until Ctrl-C."""

import argparse
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from ates.config import Config
from ates.kernel.errors import ConfigError
from ates.launch import folder, waker
from ates.launch.bootstrap import CHECKOUT
from ates.launch.children import Child, Family
from ates.launch.cron import Cron

READY_WITHIN = 60.0


def main(words: Sequence[str] | None = None) -> int:
    """Run until told to stop. Exit 0 after a stop, 78 with a sentence if the start is refused."""
    options = _parser().parse_args(words)
    environ = dict(os.environ)
    if options.data:
        environ["ATES_DATA"] = str(Path(options.data).expanduser().absolute())
    try:
        return _run(options, environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m ates run", description="Start aTES here.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--data", help="data folder (default: ATES_DATA, else var/)")
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fill a new data folder with a small company",
    )
    parser.add_argument("--workers", type=int, default=1, help="web processes")
    parser.add_argument(
        "--insecure-http", action="store_true", help="allow plain http beyond this machine"
    )
    return parser


def _run(options: argparse.Namespace, environ: dict[str, str]) -> int:
    _check_host(options, environ)
    data = Path(environ["ATES_DATA"])
    address = f"http://{_shown(options.host)}:{options.port}"
    environ.setdefault("ATES_URL", address)
    folder.make(data)
    with folder.Lock(data, address):  # before the port: a running aTES explains a busy one
        _check_port(options.host, options.port)
        new = not folder.has_books(data, environ)
        config = folder.prepare(environ)
        sockets = waker.runtime_folder()
        try:
            return _supervise(options, environ, config, new and options.demo, sockets)
        finally:
            shutil.rmtree(sockets, ignore_errors=True)


def _supervise(
    options: argparse.Namespace,
    environ: dict[str, str],
    config: Config,
    demo: bool,
    sockets: Path,
) -> int:
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _frame: stopping.append(which))
    family = Family(_children(options, environ, config, sockets), _say)
    try:
        if demo and not config.production:
            _say("Filling the new data folder with a small company ...")
            _flask(environ, "demo")
        family.start()
        if not _wait_ready(family, options, stopping):
            return 0
        _print_screen(environ, config)
        cron = Cron(environ, config, CHECKOUT)
        while not stopping:
            family.tick()
            cron.tick()
            time.sleep(0.2)
        _say("Stopping ...")
        cron.stop()
    finally:
        family.stop()
    return 0


def _children(
    options: argparse.Namespace, environ: dict[str, str], config: Config, sockets: Path
) -> list[Child]:
    children = []
    if not config.redis_url:
        words, environ["ATES_REDIS_URL"] = waker.command(sockets)
        children.append(_child("redis", words, environ, config))
    flask = _flask_words()
    web = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", options.host),
        *("--port", str(options.port), "--workers", str(options.workers)),
        *("--blocking-threads", "8", "--respawn-failed-workers", "--no-access-log", "wsgi:app"),
    ]
    children.append(_child("events", [*flask, "worker", "events"], environ, config, beat=True))
    children.append(_child("mail", [*flask, "worker", "mail"], environ, config, beat=True))
    children.append(_child("web", web, environ, config))
    return children


def _child(
    name: str, words: list[str], environ: dict[str, str], config: Config, beat: bool = False
) -> Child:
    file = config.data / "run" / f"{name}.beat" if beat else None
    return Child(name, words, environ, config.data / "log" / f"{name}.log", CHECKOUT, file)


def _wait_ready(family: Family, options: argparse.Namespace, stopping: list[int]) -> bool:
    """Whether the pages answer; False if somebody stops us before."""
    until = time.monotonic() + READY_WITHIN
    address = f"http://{_shown(options.host)}:{options.port}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and not stopping:
        family.tick()
        try:
            with opener.open(address, timeout=2) as answer:  # our own loopback address
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.1)
    if stopping:
        return False
    raise ConfigError(f"The pages did not answer within {READY_WITHIN:.0f} s; see the logs.")


def _print_screen(environ: dict[str, str], config: Config) -> None:
    letters = f"{config.mail_folder} and {environ['ATES_URL']}/mailbox/"
    lines = ["", f"  aTES is ready at {environ['ATES_URL']}", ""]
    people = [] if config.production else json.loads(_flask(environ, "auth", "demo", "--show"))
    if people:
        lines += ["  Sign in as"]
        lines += [
            f"    {each['role']:<11} {each['email']:<28} {each['password']}" for each in people
        ]
    elif not json.loads(_flask(environ, "auth", "list-people", "--json")):
        lines += [
            "  Nobody can sign in yet. Make the first admin:",
            "    python3 -m ates auth create-person --email you@example.com --name You"
            " --role admin --password-stdin",
        ]
    lines += [
        "",
        f"  Letters   {'are sent over SMTP' if config.smtp_url else letters}",
        f"  Data      {config.data}",
        f"  Logs      {config.data / 'log'}",
        "  Stop      Ctrl-C",
        "",
    ]
    print("\n".join(lines), flush=True)


def _flask_words() -> list[str]:
    return [sys.executable, "-m", "flask", "--app", str(CHECKOUT / "wsgi.py")]


def _flask(environ: dict[str, str], *words: str) -> str:
    """A command of the application, as an operator would give it. Raises ConfigError."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [*_flask_words(), *words],
        env={**environ, "ATES_REDIS_URL": ""},
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ConfigError(f"`{' '.join(words)}` failed:\n{(done.stderr or done.stdout)[-1500:]}")
    return done.stdout


def _check_host(options: argparse.Namespace, environ: dict[str, str]) -> None:
    if options.insecure_http or _is_loopback(options.host):
        return
    if environ.get("ATES_ENV") == "production":
        return  # behind a proxy that speaks https; Config asks for the https address
    raise ConfigError(
        f"--host {options.host} would show passwords to the network over plain http. Put a proxy"
        " with https in front, or say --insecure-http."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"Port {port} on {host} cannot be used ({getattr(error, 'strerror', None) or error})."
            " Name another with --port."
        ) from None


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only named, after --insecure-http allowed it
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
