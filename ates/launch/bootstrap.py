"""The environment in `.venv`, built from the hash-locked requirements by the standard library."""

from __future__ import annotations  # an old python must come as far as the sentence about it

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
RUNTIME, TOOLS = "requirements.txt", "requirements-dev.txt"  # the second holds the first, a test
STAMP = ".ates-lock"  # in the environment: the digests of the lock files it holds
LOCK = ".ates-building"


class Refused(Exception):
    """The machine cannot be prepared; the message is what to do."""


def prepare(lock: str = RUNTIME) -> Path:
    """The environment's python, after installing `lock` if its stamp does not name it yet.

    A second call costs a hash of the lock; two at once wait for each other. Raises Refused with
    the one line that helps.
    """
    if sys.version_info < OLDEST:
        have = ".".join(str(number) for number in sys.version_info[:3])
        raise Refused(f"aTES needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {have}.")
    folder = Path(os.environ.get("ATES_VENV") or CHECKOUT / ".venv")
    python = folder / "bin" / "python"
    if not _holds(folder, lock):
        with _alone(folder):
            if not _holds(folder, lock):
                _build(folder, python, lock)
    return python


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the process that takes over is given: the data folder, and this checkout first."""
    data = environ.get("ATES_DATA") or str(CHECKOUT / "var")
    path = os.pathsep.join(filter(None, [str(CHECKOUT), environ.get("PYTHONPATH", "")]))
    return {**environ, "ATES_DATA": str(Path(data).expanduser().absolute()), "PYTHONPATH": path}


def apt_install(*packages: str) -> bool:
    """Install Debian packages if this user may; False where only a person can.

    Raises Refused when apt was allowed and failed.
    """
    apt = shutil.which("apt-get")
    if apt is None or not packages:
        return not packages
    prefix = _as_root()
    if prefix is None:
        return False
    print(f"Installing {' '.join(packages)} ...", flush=True)
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*prefix, apt, "install", "-y", "-q", "--no-install-recommends", *wait, *packages]
    for command in (install, [*prefix, apt, "update", "-q", *wait], install):
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=quiet
        )
        if command is install and done.returncode == 0:
            return True
    raise Refused(f"apt-get could not install {' '.join(packages)}:\n{done.stderr[-1000:]}")


def apt_line(*packages: str) -> str:
    """What to type where we may not."""
    return f"sudo apt-get install --no-install-recommends {' '.join(packages)}"


def _as_root() -> list[str] | None:
    """What to write before a command that only root may give; None if we may not at all."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    asked = subprocess.run([sudo, "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
    return [sudo, "-n"] if asked.returncode == 0 else None


def _build(folder: Path, python: Path, lock: str) -> None:
    if not _works(python):
        print(f"Preparing the environment in {folder.name} (once) ...", flush=True)
        _make(folder)
    print(f"Installing {lock} ...", flush=True)
    (folder / STAMP).unlink(missing_ok=True)  # killed halfway, it holds neither
    done = subprocess.run(  # noqa: S603
        [
            *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-input", "--no-user", "--require-hashes", "-r", str(CHECKOUT / lock)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Refused(
            f"pip could not install {lock}. It needs the network, or an index named in pip's"
            f" settings. It said:\n{done.stderr.strip()[-2000:]}"
        )
    held = [RUNTIME, lock] if lock == TOOLS else [lock]
    digests = dict.fromkeys(_digest(CHECKOUT / name) for name in held)
    (folder / STAMP).write_text("".join(f"{digest}\n" for digest in digests))


def _make(folder: Path) -> None:
    """A virtual environment; a bare Debian has the module but not what fills it."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not _has_venv() and not (apt_install(package) and _has_venv()):
        raise Refused(f"Python's venv module is missing here. Run: {apt_line(package)}")
    for leftover in folder.iterdir():  # of a build that was killed; the lock file is in use
        if leftover.name != LOCK:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True
    )
    if made.returncode != 0:
        why = (made.stderr or made.stdout).strip()[-1000:]
        raise Refused(f"The environment {folder} could not be made: {why}")


def _has_venv() -> bool:
    check = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(check, capture_output=True).returncode == 0  # noqa: S603


def _works(python: Path) -> bool:
    """Whether there is an environment that can install something."""
    if not python.exists():  # also false for a link to a python that was removed
        return False
    asked = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True)  # noqa: S603
    return asked.returncode == 0


def _holds(folder: Path, lock: str) -> bool:
    try:
        stamps = (folder / STAMP).read_text().split()
    except OSError:
        return False
    return _digest(CHECKOUT / lock) in stamps and (folder / "bin" / "python").exists()


def _digest(lock: Path) -> str:
    """Names a lock file by its content."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two starts at once: the second waits and then finds everything there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
