"""A connection to PostgreSQL that does not wait for ever."""

from typing import Any

import psycopg
from psycopg import errors as pg


class Deadline(psycopg.Connection[Any]):
    """A frozen server hangs libpq for ever, whatever its time-outs: the client gives up itself."""

    deadline: float = 30.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        until = self.deadline if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=until)
        except pg._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {until:.1f} s") from error
