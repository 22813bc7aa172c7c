"""What the figures were measured on."""

import os
import platform
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.places import DISK

LIBRARIES = ("flask", "sqlalchemy", "psycopg", "granian", "redis", "rq", "msgspec")


def facts() -> dict[str, Any]:
    """Date, machine and versions; nothing that names the host."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "disk_free_gb": round(shutil.disk_usage(DISK).free / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": _python(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": _postgresql(),
        **{name: version(name) for name in LIBRARIES},
    }


def words(found: dict[str, Any]) -> str:
    """One line for the terminal."""
    return (
        f"{found['at']}, {found['cores']} cores ({found['processor']}), load {found['load']},"
        f" Python {found['python']}, SQLite {found['sqlite']}, {found['postgresql']}"
    )


def _python() -> str:
    """With its build: the same version is a fifth slower where it was compiled without profile."""
    _, built = platform.python_build()
    return f"{platform.python_version()} ({built}, {platform.python_compiler()})"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _postgresql() -> str:
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        done = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    return "no PostgreSQL"
