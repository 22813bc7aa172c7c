"""Refusals, which people read, and faults, which machines act on."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc
from sqlalchemy.orm.exc import StaleDataError


def N_(sentence: str) -> str:  # noqa: N802 - the name gettext gives to marking without translating
    """Mark a sentence for the catalogue; it is translated where it is shown."""
    return sentence


class Refusal(Exception):
    """An answer of "no" that a person reads: one clear sentence, nothing was changed.

    `sentence` is an English msgid with named parameters, `values` fills them: the shell formats
    moments, numbers and amounts in the reader's language, so services know no language.
    `fields` maps a form field to the msgid that stands beside it.
    """

    status = 400

    def __init__(
        self, sentence: str, *, fields: Mapping[str, str] | None = None, **values: object
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields: Mapping[str, str] = fields or {}
        self.values = values

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence


class BadRequest(Refusal):
    """The request itself cannot be used (too old a form, a broken cursor)."""

    status = 400


class SignedOut(Refusal):
    """Nobody is signed in."""

    status = 401


class Forbidden(Refusal):
    """Not this person's to do."""

    status = 403


class NotFound(Refusal):
    """Not there, or not this person's to see."""

    status = 404


class Conflict(Refusal):
    """Somebody was faster, or the state does not allow it."""

    status = 409


class Invalid(Refusal):
    """What was typed does not fit; `fields` says where."""

    status = 422


class TooMany(Refusal):
    """Too often. `retry_after` is in seconds."""

    status = 429

    def __init__(self, sentence: str, *, retry_after: int, **values: object) -> None:
        super().__init__(sentence, fields=None, seconds=retry_after, **values)
        self.retry_after = retry_after


class NotReady(Refusal):
    """Not now; asking again a little later helps (503)."""

    status = 503


class ConfigError(Exception):
    """A setting or the surroundings forbid the start; the message is the sentence to print."""


class Hopeless(Exception):
    """This event can never be handled: dead at once, no retry."""


class TooEarly(Exception):
    """This event speaks of a moment that has not come; a retry may find it arrived."""


class UnknownEvent(Exception):
    """A type or version this code does not know; newer code may."""


class DatabaseAway(Exception):
    """The database cannot be reached or does not answer."""


class Corrupt(Exception):
    """The log has a hole or another impossible state; the consumer is paused."""


# Class 08 connection, 57 operator intervention (shutdown, cancel), 53 resources, 58 system error;
# 40001 and 40P01 serialisation and deadlock, 55P03 lock not available, 25P03 idle in transaction.
_OUTAGE_STATES = ("08", "57", "53", "58", "40001", "40P01", "55P03", "25P03", "XX001")
_OUTAGE_CODES = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN"}


def is_outage(error: BaseException) -> bool:
    """Whether an error is the surroundings' (connection, lock, time, disk, memory), not an event's.

    An outage parks nothing (events.md, promise 4): the work is given back and tried again.
    """
    if isinstance(error, DatabaseAway | MemoryError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError):  # disk full, too many files: the machine's, never an event's
        return True
    if isinstance(error, exc.TimeoutError):  # the pool has no connection
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    return error.connection_invalidated or _is_outage_of_driver(error.orig)


def _is_outage_of_driver(error: BaseException | None) -> bool:
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:  # the connection died before the server could name a state
            return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return state.startswith(_OUTAGE_STATES)
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "") or ""
        return any(name.startswith(code) for code in _OUTAGE_CODES)
    return False


@contextmanager
def plain_faults() -> Iterator[None]:
    """Name what the caller can act on: a lost race is a Conflict, a lost database DatabaseAway."""
    try:
        yield
    except StaleDataError as error:
        raise Conflict(N_("Somebody was faster. Look at the present state.")) from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or _cannot_open(error):
            raise DatabaseAway(str(error.orig)) from error
        raise


def _cannot_open(error: exc.DBAPIError) -> bool:
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return True
    lost = isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None
    return lost and is_outage(error)
