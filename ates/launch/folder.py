"""The data folder: its secrets, its database, and who works in it."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import exc

from ates.config import SECRETS, Config
from ates.kernel import migrate
from ates.kernel.db import Database
from ates.kernel.errors import ConfigError, DatabaseAway


def prepare(environ: Mapping[str, str], *, demo: bool = False) -> Config:
    """Make the data folder ready: secrets on the first start, today's schema at every start.

    With `demo` a folder without books is marked to be filled with the demonstration company.
    Raises ConfigError, a sentence to print, for everything that forbids the start.
    """
    data = Path(environ["ATES_DATA"])
    production = environ.get("ATES_ENV") == "production"
    make(data)
    missing = [] if production else _missing(data, environ)
    new = not production and not has_books(environ)
    if missing and not new:
        # New keys beside old books would draw other prices and prove no entry.
        raise ConfigError(
            f"{data / 'secrets'} lacks {', '.join(missing)}, but there are books already. Restore"
            " the secrets they were written with; new ones would not fit."
        )
    _make_secrets(data, missing)
    config = Config.from_env(environ)
    if new and demo:
        demo_mark(data).touch()
    apply_schema(config)
    return config


def demo_mark(data: Path) -> Path:
    """Stands from the first migration until the demonstration is complete."""
    return data / "run" / "demo-wanted"


def apply_schema(config: Config) -> None:
    """Bring the database to today's schema. Raises ConfigError."""
    database = migrate.long(config.database_url, unsafe=config.unsafe_database)
    try:
        migrate.prepare(database)
    except (DatabaseAway, exc.DBAPIError) as error:
        raise _unusable(database, error) from None
    finally:
        database.close()


class Lock:
    """Held by the one `run` of a data folder; names its holder to the second."""

    def __init__(self, data: Path, address: str) -> None:
        self.path, self.address = data / "run.lock", address

    def __enter__(self) -> Self:
        """Raises ConfigError while another `run` works in this folder."""
        self.file = self.path.open("a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self.path.read_text().strip() or "another process"
            self.file.close()
            raise ConfigError(
                f"aTES already runs on {self.path.parent} ({holder}). Stop it first, or give"
                " --data another folder."
            ) from None
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()}, {self.address}")
        self.file.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def make(data: Path) -> None:
    """Make the folder and its rooms. Raises ConfigError where that is impossible."""
    if data.exists() and not data.is_dir():
        raise ConfigError(f"{data} is no folder and cannot be written to: name another ATES_DATA.")
    if not data.parent.is_dir():
        raise ConfigError(f"There is no folder {data.parent}: make it, or name another ATES_DATA.")
    try:
        data.mkdir(mode=0o700, exist_ok=True)
        probe = data / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
        for name in ("log", "run", "mail"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The data folder {data} cannot be written: {error.strerror}.") from None


def _missing(data: Path, environ: Mapping[str, str]) -> list[str]:
    return [
        name
        for name in SECRETS
        if not environ.get(f"ATES_{name.upper()}") and not (data / "secrets" / name).is_file()
    ]


def has_books(environ: Mapping[str, str]) -> bool:
    """Whether something was ever written to the database.

    Raises ConfigError for a server that does not answer: nobody knows what it keeps.
    """
    url = environ.get("ATES_DATABASE_URL", "").strip()
    data = Path(environ["ATES_DATA"])
    # Nothing is written here; whether the database keeps what it promises is judged afterwards.
    database = Database(url or f"sqlite:///{data / 'ates.sqlite3'}", unsafe=True)
    try:
        if database.is_sqlite and not Path(database.url.database or "").exists():
            return False
        return migrate.found(database) is not None
    except (DatabaseAway, exc.DBAPIError) as error:
        raise _unusable(database, error) from None
    finally:
        database.close()


def _unusable(database: Database, error: Exception) -> ConfigError:
    reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    where = database.url.render_as_string(hide_password=True)
    return ConfigError(f"The database {where} cannot be used: {reason}")


def _make_secrets(data: Path, names: list[str]) -> None:
    """Each is whole or not there, and none ever replaces another."""
    folder = data / "secrets"
    if names:
        folder.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        draft = folder / f".{name}-{os.getpid()}"
        file = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w") as stream:
            stream.write(_make(name) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, folder / name)
        draft.unlink()


def _make(name: str) -> str:
    if name == "signing_key":
        key = Ed25519PrivateKey.generate()
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()
    if name == "books_keys":
        return f"1:{secrets.token_hex(32)}"
    return secrets.token_urlsafe(48)
