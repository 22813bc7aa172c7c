"""Whether a commit is on the disk before it is acknowledged: system calls tell."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import event, text

from ates.kernel.db import WORK, Database

PRAGMA = "PRAGMA synchronous = NORMAL"


def commit(url: str, normal: bool) -> None:
    """Three commits, each acknowledged on standard output. Run in a process of its own."""
    database = Database(url, WORK)
    if normal:
        event.listen(database.engine, "connect", lambda raw, _record: raw.execute(PRAGMA))
    for _ in range(3):
        with database.transaction() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS power (n INTEGER)"))
            session.execute(text("INSERT INTO power VALUES (1)"))
        os.write(1, b"acknowledged\n")
    database.close()


def forgotten(url: str, folder: Path, *, normal: bool = False) -> set[str]:
    """{"saved"} if something was acknowledged before the disk had it, else nothing."""
    record = folder / "calls.txt"
    subprocess.run(
        [
            shutil.which("strace") or "strace", "-f", "-y", "-o", str(record),
            "-e", "trace=pwrite64,write,fdatasync,fsync",
            sys.executable, "-m", "tests.kernel.power", url, str(int(normal)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )  # fmt: skip
    dirty = lost = acknowledged = 0
    for line in record.read_text().splitlines():
        if re.search(r"\bf(data)?sync\(.*-wal>", line):
            dirty = 0
        elif re.search(r"\bp?write(64)?\(.*-wal>", line):
            dirty += 1
        elif "acknowledged" in line:
            acknowledged += 1
            lost += dirty
    assert acknowledged == 3
    return {"saved"} if lost else set()


if __name__ == "__main__":
    commit(sys.argv[1], sys.argv[2] == "1")
