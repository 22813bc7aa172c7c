"""All settings, frozen: the only reader of the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ates.kernel.errors import ConfigError

SECRETS = ("secret_key", "signing_key", "books_keys")  # files in $ATES_DATA/secrets/


def _setting(default: Any, env: str, says: str) -> Any:
    return field(default=default, metadata={"env": env, "says": says})


@dataclass(frozen=True, kw_only=True)
class Config:
    """What an installation is told from outside. `Config.from_env` reads and checks it."""

    data: Path = _setting(Path("var"), "ATES_DATA", "Folder of everything that is kept")
    env: str = _setting("development", "ATES_ENV", "`production` is the production switch")
    database_url: str = _setting(
        "", "ATES_DATABASE_URL", "`postgresql+psycopg://…`; without it SQLite in the data folder"
    )
    redis_url: str = _setting("", "ATES_REDIS_URL", "Redis or Valkey; wakes workers, keeps nothing")
    smtp_url: str = _setting(
        "",
        "ATES_SMTP_URL",
        "`smtp://`, `smtps://` or `smtp+starttls://`; without it letters are files",
    )
    mail_from: str = _setting("aTES <ates@localhost>", "ATES_MAIL_FROM", "Sender of letters")
    url: str = _setting("", "ATES_URL", "Address people use, for links in letters")
    company: str = _setting("UberPopug Inc", "ATES_COMPANY", "Name of the company in letters")
    timezone: str = _setting("UTC", "ATES_TIMEZONE", "Zone of the business day")
    close_grace: int = _setting(120, "ATES_CLOSE_GRACE", "Seconds a day waits after its end")
    jira_url: str = _setting("", "ATES_JIRA_URL", "Where Jira ids lead; without it they are text")
    secret_key: str = _setting("", "ATES_SECRET_KEY", "Signs Flask's cookie, ≥ 32 characters")
    signing_key: str = _setting(
        "", "ATES_SIGNING_KEY", "Ed25519 private key (PEM) of access tokens"
    )
    books_keys: str = _setting("", "ATES_BOOKS_KEYS", "`1:<hex>,2:<hex>`; the last draws prices")
    anchor_file: str = _setting(
        "",
        "ATES_ANCHOR_FILE",
        "Gets a line with the seal of each closed day, best on another host; a bare name is in the"
        " data folder",
    )
    log: str = _setting(
        "", "ATES_LOG", "`json` or `text`; without it `json` in production and `text` elsewhere"
    )
    allow_sqlite: bool = _setting(False, "ATES_ALLOW_SQLITE", "`1` permits SQLite in production")
    unsafe_database: bool = _setting(
        False, "ATES_UNSAFE_DATABASE", "`1` drops durability; throw-away test databases only"
    )
    test_clock: bool = _setting(
        False, "ATES_TEST_CLOCK", "`1` lets the file `clock-offset` in the data folder move time"
    )

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def log_kind(self) -> Literal["json", "text"]:
        return "json" if self.log == "json" or (not self.log and self.production) else "text"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no log: keys, and the passwords within addresses."""
        urls = (self.database_url, self.redis_url, self.smtp_url)
        passwords = (unquote(urlsplit(url).password or "") for url in urls)
        keys = (self.secret_key, *self.signing_key.split(), *re.split("[:,]", self.books_keys))
        return tuple(each for each in (*keys, *passwords) if each)

    @property
    def clock_file(self) -> Path:
        return self.data / "clock-offset"

    @property
    def anchors(self) -> Path | None:
        """Where the seals of closed days are written, if anywhere."""
        return self.data / self.anchor_file if self.anchor_file else None

    @property
    def mail_folder(self) -> Path:
        return self.data / "mail"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment and the data folder's secrets.

        Raises ConfigError, whose message is the sentence to print, for a value that cannot be used.
        """
        env = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for each in fields(cls):
            raw = env.get(each.metadata["env"], "").strip()
            if raw:
                values[each.name] = _read(each.metadata["env"], raw, type(each.default))
        data = Path(values.get("data", Path("var"))).expanduser().absolute()
        values["data"] = data
        for name in SECRETS:
            if not values.get(name):
                values[name] = _secret(data, name)
        values.setdefault("database_url", "")
        values["database_url"] = values["database_url"] or f"sqlite:///{data / 'ates.sqlite3'}"
        config = cls(**values)
        config.check()
        return config

    def check(self) -> None:
        """Refuse what cannot work, or must not run in production. Raises ConfigError."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
            raise ConfigError(f"ATES_TIMEZONE={self.timezone} is no time zone.") from None
        if self.env not in ("development", "production"):
            raise ConfigError(f"ATES_ENV={self.env}: write development or production.")
        if self.log not in ("", "json", "text"):
            raise ConfigError(f"ATES_LOG={self.log}: write json or text.")
        if self.test_clock and self.production:
            raise ConfigError("ATES_TEST_CLOCK is refused in production.")
        self._check_secrets()
        if self.production:
            self._check_production()

    def _check_secrets(self) -> None:
        for name in SECRETS:
            if not getattr(self, name):
                raise ConfigError(
                    f"There is no {name} in {self.data / 'secrets'} and ATES_{name.upper()} is not"
                    " set. `python3 -m ates run` or `python3 -m ates init` prepares a new data"
                    " folder; beside existing books, restore the secrets they were written with."
                )
        if len(self.secret_key) < 32:
            raise ConfigError("ATES_SECRET_KEY is too short: 32 characters at least.")
        if len(set(self.secret_key)) < 10:
            raise ConfigError("ATES_SECRET_KEY can be guessed: let a machine draw it.")

    def _check_production(self) -> None:
        if urlsplit(self.url).scheme != "https":
            raise ConfigError("In production ATES_URL must be the https address people use.")
        if self.unsafe_database:
            raise ConfigError("ATES_UNSAFE_DATABASE is refused in production.")
        if self.database_url.startswith("sqlite") and not self.allow_sqlite:
            raise ConfigError(
                "In production use PostgreSQL (ATES_DATABASE_URL), or say ATES_ALLOW_SQLITE=1."
            )
        if not self.smtp_url:
            raise ConfigError("In production ATES_SMTP_URL must name the mail server.")
        if not self.redis_url:
            raise ConfigError("In production ATES_REDIS_URL must name Redis.")


def _read(name: str, raw: str, kind: type[Any]) -> Any:
    if kind is bool:
        return raw.lower() in ("1", "true", "yes", "on")
    if kind is int:
        if not raw.isdecimal():
            raise ConfigError(f"{name}={raw}: write a whole number.")
        return int(raw)
    return Path(raw) if issubclass(kind, Path) else raw


def _secret(data: Path, name: str) -> str:
    try:
        return (data / "secrets" / name).read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.") from None
