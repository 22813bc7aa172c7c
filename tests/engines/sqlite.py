"""A SQLite file per test, copied from one that was migrated once for the whole run."""

import shutil
from pathlib import Path

from ates.kernel import migrate

from . import run


def copy(path: Path) -> str:
    """A migrated database at `path`; gives its address."""
    shutil.copyfile(_template(), path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


def _template() -> Path:
    made = run.folder() / "migrated.sqlite3"
    with run.alone("sqlite"):
        if not made.exists():
            fresh = run.folder() / "fresh.sqlite3"
            database = migrate.long(f"sqlite:///{fresh}", unsafe=True)
            migrate.prepare(database)
            database.close()  # the last connection folds the WAL into the file
            fresh.rename(made)
    return made
