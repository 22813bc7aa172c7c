"""A view that met a deadlock or a lock time-out is called again: it was rolled back whole."""

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from sqlalchemy import exc

from ates.kernel import clock, ids

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3
BUDGET = 2.5  # seconds after which no new try begins: a request has five in all

# Serialisation, deadlock, lock not available.
_STATES = frozenset({"40001", "40P01", "55P03"})
_CODES = ("SQLITE_BUSY", "SQLITE_LOCKED")


def patiently(view: Callable[P, R]) -> Callable[P, R]:
    """Up to three tries with jitter, then the error goes on (and becomes a 503).

    Safe because a view is one transaction, and forms carry a key (resilience.md, chapters 2 and 8).
    """

    @wraps(view)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        began = clock.monotonic()
        for attempt in range(1, TRIES):
            try:
                return view(*args, **kwargs)
            except exc.DBAPIError as error:
                if not is_lock(error) or clock.monotonic() - began > BUDGET:
                    raise
            clock.sleep(ids.between(0, 0.05 * 2**attempt))
        return view(*args, **kwargs)

    return call


def is_lock(error: exc.DBAPIError) -> bool:
    """Whether somebody else's lock was in the way, so that a new try can succeed."""
    origin = error.orig
    if isinstance(origin, psycopg.Error):
        return origin.sqlstate in _STATES
    if isinstance(origin, sqlite3.Error):
        return (getattr(origin, "sqlite_errorname", "") or "").startswith(_CODES)
    return False
