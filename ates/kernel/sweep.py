"""The sweep: heals every lost ring by looking into the database, without Redis."""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask
from sqlalchemy import and_, exists, select, update

from ates.kernel import clock, generations, ids, life, parking
from ates.kernel.db import Database
from ates.kernel.delivery import Drain, ensure_consumers
from ates.kernel.duty import Duty, attend
from ates.kernel.errors import is_outage
from ates.kernel.inbox import Inbox
from ates.kernel.log import staged
from ates.kernel.rebuild import Rebuild
from ates.kernel.tables import OWN, consumer, event_log, log_head

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds, give or take a fifth, so that two workers do not march in step
SWEPT_EVERY = 10.0
FORGET_EVERY = 3600.0  # what is kept for a week only
AT_A_STRETCH = 0.2  # seconds of a rebuild between two looks at what is live
BACK_OFF = (0.5, 30.0)


class Sweep(threading.Thread):
    """Calls `look` each second until `stop` is set; after an error it waits longer and longer."""

    def __init__(self, app: Flask, look: Callable[[], None], beat: Path | None = None) -> None:
        super().__init__(name="sweep", daemon=True)
        self.app, self.look, self.beat = app, look, beat
        self.life: life.Life | None = app.extensions.get("ates.life")
        self.stop = threading.Event()
        self.failures = 0

    def run(self) -> None:
        with self.app.app_context():
            while not self.stop.is_set():
                until = clock.monotonic() + self._once()
                while not self.stop.wait(min(1.0, max(0.0, until - clock.monotonic()))):
                    self._show_life()
                    if clock.monotonic() >= until:
                        break

    def stopped(self) -> bool:
        """Whether to stop; asked between batches and letters, so it shows that work goes on."""
        self._show_life()
        if self.life is not None:
            self.life.beat()
        return self.stop.is_set()

    def _once(self) -> float:
        try:
            self.look()
        except Exception as error:
            self.failures += 1
            level = logging.WARNING if is_outage(error) else logging.ERROR
            log.log(level, "the sweep stopped short: %s", error, exc_info=not is_outage(error))
            low, high = BACK_OFF
            return min(high, low * 2.0 ** min(self.failures, 8)) * ids.between(0.5, 1.0)
        self.failures = 0
        if self.life is not None:
            self.life.beat()
        return EVERY * ids.between(0.8, 1.2)

    def _show_life(self) -> None:
        """Waiting for a database that is away is no hanging: the supervisor must not kill it."""
        if self.beat is not None:
            with contextlib.suppress(OSError):  # a full disk
                self.beat.touch()


class EventSweep:
    """What the events worker looks for: staged events, consumers behind, due retries, duties."""

    def __init__(
        self,
        database: Database,
        inboxes: Sequence[Inbox],
        forget: Callable[[], None] = lambda: None,
        duties: Sequence[Duty] = (),
    ) -> None:
        self.database, self.inboxes, self.forget = database, inboxes, forget
        self.duties = duties
        self.stop: Callable[[], bool] = lambda: False
        self.drains = {inbox.name: Drain(database, inbox, skip_locked=True) for inbox in inboxes}
        self.rebuilds = [
            Rebuild(database, inbox, skip_locked=True) for inbox in inboxes if inbox.rebuildable
        ]
        self.known = False
        self.swept = self.forgot = float("-inf")
        self.resting: dict[str, tuple[float, int]] = {}  # until when, after how many failures

    def __call__(self) -> None:
        """One look. Raises what stopped the last consumer that could not go on."""
        if not self.known:
            ensure_consumers(self.database, self.inboxes)
            self.known = True
        left, trouble = True, None
        while left and trouble is None:  # a duty goes on at once, events in between
            trouble = self._drain_all()
            left = self._attend_all() | self._rebuild_all()
            self._keep_house()
        if trouble is not None:
            raise trouble

    def _drain_all(self) -> Exception | None:
        waits = staged(self.database)
        trouble: Exception | None = None
        for inbox in self.inboxes:
            if self.stop() or self._rests(inbox.name):
                continue
            if waits or self._has_work(inbox):
                trouble = self._drain(inbox.name) or trouble
        return trouble

    def _drain(self, name: str) -> Exception | None:
        drain = self.drains[name]
        try:
            with life.doing(f"drain {name}"):
                drain.run(stop=self.stop)
        except Exception as error:
            self._rest(name)
            if is_outage(error):
                return error
            log.exception("%s cannot go on", name)
            drain.note(error)
        else:
            self.resting.pop(name, None)
        return None

    def _attend_all(self) -> bool:
        """Whether a duty has work left that can go on now."""
        left = False
        for duty in self.duties:
            if self.stop() or self._rests(duty.name):
                continue
            try:
                with life.doing(f"attend {duty.name}"):
                    left = attend(self.database, duty, stop=self.stop) or left
                self.resting.pop(duty.name, None)
            except Exception as error:
                self._rest(duty.name)
                level = logging.WARNING if is_outage(error) else logging.ERROR
                log.log(level, "%s stopped short", duty.name, exc_info=True)
        return left and not self.stop()

    def _rebuild_all(self) -> bool:
        """A little for generations nobody reads, as the live ones are dry; whether more is left."""
        left = False
        for rebuild in self.rebuilds:
            name = f"{rebuild.base}@"
            if self.stop() or self._rests(name):
                continue
            try:
                left = rebuild.work(seconds=AT_A_STRETCH, stop=self.stop) or left
                self.resting.pop(name, None)
            except Exception as error:
                self._rest(name)
                level = logging.WARNING if is_outage(error) else logging.ERROR
                log.log(level, "the rebuild of %s stopped short", rebuild.base, exc_info=True)
        return left and not self.stop()

    def _keep_house(self) -> None:
        if clock.monotonic() - self.swept > SWEPT_EVERY:
            self._note_sweep()
        if clock.monotonic() - self.forgot > FORGET_EVERY:
            self.forgot = clock.monotonic()
            self.forget()

    def _rest(self, name: str) -> None:
        failures = self.resting.get(name, (0.0, 0))[1] + 1
        low, high = BACK_OFF
        pause = min(high, low * 2 ** min(failures, 8)) * ids.between(0.5, 1.0)
        self.resting[name] = (clock.monotonic() + pause, failures)

    def _rests(self, name: str) -> bool:
        return clock.monotonic() < self.resting.get(name, (0.0, 0))[0]

    def _has_work(self, inbox: Inbox) -> bool:
        with self.database.reading() as session:
            name = generations.live(session, inbox.name)
            unread = exists().where(
                and_(
                    consumer.c.name == name,
                    consumer.c.mode == "live",
                    event_log.c.log == consumer.c.log,
                    event_log.c.position > consumer.c.position,  # also behind a hole
                )
            )
            if session.scalar(select(unread)):
                return True
        return parking.any_due(self.database, name)

    def _note_sweep(self) -> None:
        self.swept = clock.monotonic()
        with self.database.transaction() as session:
            session.execute(update(log_head).where(OWN).values(swept_at=clock.now()))
            life.note_pace(session, clock.now())
