"""The environment in `.venv`, built from the hash-locked requirements by the standard library."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)
STAMP = ".ates-lock"  # in the environment: which lock files it holds


class Refused(Exception):
    """The machine cannot be prepared; the message is what to do."""


def prepare(extra: str | None = None) -> Path:
    """The environment's python, after installing what its stamp does not name yet.

    `extra` names a further lock file. A second call costs a hash of the lock; two at once wait for
    each other. Raises Refused with the one line that helps.
    """
    if sys.version_info < OLDEST:
        raise Refused(f"aTES needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version}.")
    folder = Path(os.environ.get("ATES_VENV") or CHECKOUT / ".venv")
    wanted = [CHECKOUT / name for name in ("requirements.txt", extra) if name]
    python = folder / "bin" / "python"
    if _stamps(folder) >= {_digest(lock) for lock in wanted} and python.exists():
        return python
    with _alone(folder):
        missing = [lock for lock in wanted if _digest(lock) not in _stamps(folder)]
        if missing or not python.exists():
            _build(folder, python, missing or wanted)
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
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:  # noqa: S603
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


def _build(folder: Path, python: Path, locks: list[Path]) -> None:
    if not python.exists():
        print("Preparing the environment in .venv (once) ...", flush=True)
        _make(folder)
    for lock in locks:
        print(f"Installing {lock.name} ...", flush=True)
        done = subprocess.run(  # noqa: S603
            [
                *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--no-input", "--require-hashes", "-r", lock),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Refused(f"pip could not install {lock.name}:\n{done.stderr[-2000:]}")
        with (folder / STAMP).open("a") as stamp:
            stamp.write(_digest(lock) + "\n")


def _make(folder: Path) -> None:
    """A virtual environment; a bare Debian has the module but not what fills it."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    for _ in range(2):
        if _has_ensurepip():
            try:
                venv.create(folder, with_pip=True, symlinks=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise Refused(f"The environment {folder} could not be made: {error}") from None
            return
        if not apt_install(package):
            break
    raise Refused(f"Python's venv module is missing here. Run: {apt_line(package)}")


def _has_ensurepip() -> bool:
    check = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(check, capture_output=True).returncode == 0  # noqa: S603


def _stamps(folder: Path) -> set[str]:
    try:
        return set((folder / STAMP).read_text().split())
    except FileNotFoundError:
        return set()


def _digest(lock: Path) -> str:
    """Names a lock file by its content."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two starts at once: the second waits and then finds everything there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".ates-building").open("w")
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
