"""What a drain replaces: one RQ job for each event, each with a transaction of its own."""

import time
from collections.abc import Sequence

from flask import current_app
from redis import Redis
from rq import Queue, SimpleWorker

from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from ates.kernel.log import following
from ates.kernel.tables import OWN_LOG
from tests.engines.wake import running


def handle(position: int) -> None:
    """The job: one event, handled by accounting and committed."""
    database = current_app.extensions["ates.database"]
    assert isinstance(database, Database)
    drain = Drain(database, current_app.extensions["ates.inboxes"]["accounting"])
    with drain.transaction() as session:
        drain.apply(session, following(session, OWN_LOG, position - 1, 1))


def seconds(positions: Sequence[int]) -> float:
    """How long a worker takes to enqueue and work one job for each of these events.

    SimpleWorker spares RQ the fork of each job: with it RQ is slower still.
    """
    with running("redis") as server, Redis(port=server.port) as connection:
        queue = Queue("each", connection=connection)
        started = time.perf_counter()
        for position in positions:
            queue.enqueue(handle, position, result_ttl=0)
        SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")
        taken = time.perf_counter() - started
        assert queue.failed_job_registry.count == 0, "every job succeeds"
    return taken
