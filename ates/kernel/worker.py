"""Waking and working: the only importer of rq. A job carries a name, never a fact."""

import gc
import logging
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from ates.kernel import clock, duty, life, mail
from ates.kernel.db import Database
from ates.kernel.delivery import MORE, Drain
from ates.kernel.inbox import Inbox
from ates.kernel.sweep import Sweep

log = logging.getLogger(__name__)

EVENTS, MAIL = "events", "mail"
REQUEST_LIMIT = 0.1  # seconds a request waits for Redis (resilience.md, chapter 3)
FLAG = "ates:wake:"  # one ring per consumer is on its way


def client(url: str, *, seconds: float | None) -> redis.Redis:
    """A client without redis-py's own retries, which turn 0.3 s into 7."""
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds or 5,
        retry=Retry(NoBackoff(), 0),
    )


def unreachable(url: str) -> str | None:
    """What keeps us from Redis, or None: for the doctor."""
    try:
        with client(url, seconds=1) as asked:
            asked.ping()
    except (redis.RedisError, ValueError) as error:
        return type(error).__name__
    return None


# --- ringing --------------------------------------------------------------------------------------


@dataclass
class Bell:
    """Wakes the workers after a commit. It may fail: the sweep finds what it did not tell."""

    url: str
    failed: int = 0
    muted_until: float = 0.0
    _redis: Any = field(default=None, repr=False)

    def ring(self, names: Iterable[str], job: str = "drain") -> None:
        """At most 0.1 s; an error is counted, never shown, and mutes this process for a second."""
        if not self.url or clock.monotonic() < self.muted_until:
            return
        try:
            if self._redis is None:
                self._redis = client(self.url, seconds=REQUEST_LIMIT)
            for name in names:
                self._wake(name, job)
        except redis.RedisError as error:
            self.failed += 1
            self.muted_until = clock.monotonic() + 1
            log.info("a ring was lost: %s", error)

    def _wake(self, name: str, job: str) -> None:
        if not self._redis.set(FLAG + name, 1, nx=True, ex=5):
            return  # somebody rang already; that job has not read anything yet
        queue, job = (MAIL, "send") if name == MAIL else (EVENTS, job)
        _queue(queue, self._redis).enqueue(job, name, result_ttl=0, failure_ttl=60)

    def heard(self, connection: Any, name: str) -> None:
        """Lower the flag before anything is read: what is committed from now on rings again."""
        connection.delete(FLAG + name)


def init_app(app: Flask, redis_url: str) -> None:
    """Give the application its bell. Nothing is connected before the first ring."""
    app.extensions["ates.bell"] = Bell(redis_url)
    app.extensions["ates.job"] = threading.Lock()  # held while a job runs
    app.extensions["ates.stopping"] = lambda: False


def ring_types(types: set[str]) -> None:
    """Wake the consumers that hear one of these types of events."""
    inboxes: dict[str, Inbox] = current_app.extensions["ates.inboxes"]
    bell().ring([name for name, inbox in inboxes.items() if inbox.types & types])


def bell() -> Bell:
    found = current_app.extensions["ates.bell"]
    assert isinstance(found, Bell)
    return found


# --- jobs -----------------------------------------------------------------------------------------


def _drain(name: str) -> None:
    inbox = current_app.extensions["ates.inboxes"].get(name)
    if inbox is None:
        log.error("Redis asks to drain %r, which is no consumer", name)
        return
    bell().heard(_connection(), name)
    with current_app.extensions["ates.job"], life.doing(f"drain {name}"):
        answer = Drain(_database(), inbox).run(stop=current_app.extensions["ates.stopping"])
    if answer == MORE:
        bell().ring([name])


def _attend(name: str) -> None:
    found = current_app.extensions["ates.duties"].get(name)
    if found is None:
        log.error("Redis asks to attend to %r, which is no duty", name)
        return
    bell().heard(_connection(), name)
    stop = current_app.extensions["ates.stopping"]
    with current_app.extensions["ates.job"], life.doing(f"attend {name}"):
        left = duty.attend(_database(), found, stop=stop)
    if left:
        bell().ring([name], job="attend")


def _send(_name: str) -> None:
    bell().heard(_connection(), MAIL)
    with current_app.extensions["ates.job"], life.doing("send"):
        mail.send_due(stop=current_app.extensions["ates.stopping"])


# Names, nothing importable: whoever can write to Redis can only ask for these.
JOBS: dict[str, Callable[[str], None]] = {"drain": _drain, "attend": _attend, "send": _send}


class KnownJob(Job):
    """A job that can only be one of ours: RQ would import and run any name Redis holds."""

    @property
    def func(self) -> Callable[[str], None]:
        name = self.func_name
        if name not in JOBS:
            log.error("Redis asks for %r, which is none of our jobs", name)
            raise PermissionError(f"{name} is none of our jobs")
        return JOBS[name]

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    @property
    def webhooks(self) -> list[Any]:
        return []

    @webhooks.setter
    def webhooks(self, value: Any) -> None:
        """Ignored: a worker calls nobody."""


class NoAlarm(BaseDeathPenalty):
    """RQ's alarm raises at any bytecode and would park an innocent event: budgets do it."""

    def setup_death_penalty(self) -> None: ...

    def cancel_death_penalty(self) -> None: ...


class Worker(SimpleWorker):
    """One queue, no fork, no alarm, no signals: those belong to `work` below."""

    job_class = KnownJob
    death_penalty_class = NoAlarm
    exponential_backoff_factor = 1.0  # reconnect each second

    def __init__(self, name: str, connection: Any) -> None:
        super().__init__(
            [_queue(name, connection)],
            connection=connection,
            serializer=JSONSerializer,  # RQ would unpickle what Redis holds
            worker_ttl=60,
        )

    def _install_signal_handlers(self) -> None: ...


def _queue(name: str, connection: Any) -> Any:
    return Queue(name, connection=connection, job_class=KnownJob, serializer=JSONSerializer)


def _connection() -> Any:
    return current_app.extensions["ates.worker_redis"]


def _database() -> Database:
    found = current_app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found


# --- the process ----------------------------------------------------------------------------------


def work(app: Flask, queue: str, sweep: Sweep) -> None:
    """Run a worker until SIGTERM or SIGINT: RQ's loop for speed, the sweep for certainty.

    Redis may be away at the start, go away and come back empty: the loop outlives all of it. RQ has
    a thread of its own, so that stopping never waits for a Redis that hangs, only for a job.
    """

    def on_signal(_number: int, _frame: Any) -> None:
        sweep.stop.set()

    gc.collect()
    gc.freeze()  # what is loaded by now stays: no look for garbage passes over it again
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    app.extensions["ates.stopping"] = sweep.stopped
    sweep.start()
    threading.Thread(target=_hear, args=(app, queue, sweep.stop), name="rq", daemon=True).start()
    sweep.stop.wait()
    sweep.join(timeout=15)
    app.extensions["ates.job"].acquire(timeout=15)  # and never released: no other job begins
    if sweep.life is not None and not sweep.failures:
        sweep.life.end()


def _hear(app: Flask, queue: str, stop: threading.Event) -> None:
    """RQ's loop, again and again."""
    url = app.extensions["ates.bell"].url
    while url and not stop.is_set():
        try:
            with app.app_context(), client(url, seconds=None) as connection:
                app.extensions["ates.worker_redis"] = connection
                Worker(queue, connection).work(logging_level="WARNING")
        except redis.RedisError as error:
            log.warning("Redis is away (%s); the sweep goes on without it", error)
        except Exception:
            log.exception("RQ stopped short; the sweep goes on without it")
        stop.wait(1)
