"""`python3 -m ates test`: install what the tests need, then run them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from glob import glob

from ates.launch.bootstrap import CHECKOUT, Refused, apt_install, apt_line

# What the tests start for real, with the Debian package that brings it.
ENGINES: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: bool(shutil.which("initdb") or glob("/usr/lib/postgresql/*/bin/initdb")),
    "redis-server": lambda: shutil.which("redis-server") is not None,
    "chromium": lambda: shutil.which("chromium") is not None,
    "libatomic1": lambda: bool(glob("/usr/lib/*/libatomic.so.1")),  # Playwright's Node wants it
    "git": lambda: shutil.which("git") is not None,
    "strace": lambda: shutil.which("strace") is not None,  # sees what reaches the disk
}


def main(words: Sequence[str]) -> int:
    """pytest's exit code; 1 with the line to type when an engine is missing and required."""
    missing = [package for package, there in ENGINES.items() if not there()]
    try:
        installed = apt_install(*missing)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        installed = False
    if not installed:
        print(f"Some tests need {', '.join(missing)}. Run: {apt_line(*missing)}", file=sys.stderr)
        if os.environ.get("ATES_TEST_REQUIRE") == "all":
            return 1
    command = [sys.executable, "-m", "pytest", *(words or _everything())]
    return subprocess.run(command, cwd=CHECKOUT, env=_clean(os.environ)).returncode  # noqa: S603


def _everything() -> list[str]:
    """All but the slow proofs, on as many cores as there are."""
    assert importlib.util.find_spec("xdist"), "the development requirements bring pytest-xdist"
    return ["-n", str(max(2, os.cpu_count() or 2)), "--dist", "loadgroup", "-m", "not proof", "-q"]


def _clean(environ: "os._Environ[str]") -> dict[str, str]:
    """No setting of this shell may leak into the tests."""
    kept = ("ATES_TEST_", "ATES_VENV")
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("ATES_") or name.startswith(kept)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
