"""Read models made anew from the log, while the old ones go on serving (R21)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from ates.kernel import clock, generations, parking
from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from ates.kernel.inbox import Inbox
from ates.kernel.tables import consumer, log_head
from ates.kernel.tables import parked as aside

AT_ONCE = 1000  # rows of a retired generation that go in one transaction
SWAP_WITHIN = 15.0  # seconds in which both generations meet at one position


class Refused(Exception):
    """What was asked cannot be done; the message is the sentence to print."""


@dataclass(frozen=True)
class Progress:
    """How far the new generation is."""

    name: str  # analytics@2
    live: str  # analytics
    position: int
    head: int  # where the log ends
    failed: int  # its events that wait for a person or for a retry

    @property
    def caught_up(self) -> bool:
        return self.position >= self.head


class Rebuild:
    """The generations of one consumer: begin the next one, fill it, swap, clear the old one away.

    Every method is safe to repeat and to be killed in: each does one transaction at a time, and
    what the next one needs to know stands in the consumer's rows.
    """

    def __init__(self, database: Database, inbox: Inbox, *, skip_locked: bool = False) -> None:
        self.database, self.inbox, self.base = database, inbox, inbox.name
        self.skip_locked = skip_locked
        self._drain: Drain | None = None

    # --- deciding -------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Make the next generation, empty, with all skips decided so far. False: it is there.

        Raises Refused for what is no read model, for a pruned log and for a paused consumer.
        """
        if not self.inbox.rebuildable:
            raise Refused(
                f"{self.base} keeps books of its own and is not rebuilt; it verifies them against"
                " the log."
            )
        with self.database.transaction() as session:
            self._lock(session)
            if generations.rebuilding(session, self.base) is not None:
                return False
            places = self._places(session, generations.live(session, self.base))
            self._check(session, places)
            names = session.scalars(
                select(consumer.c.name).where(generations.family(self.base))
            ).all()
            number = max(generations.number_of(name) for name in names) + 1
            self._make(session, f"{self.base}@{number}", places)
        return True

    def swap(self) -> tuple[str, str]:
        """Let the new generation be read: its name and the old one's. Both are drained first.

        Raises Refused where nothing is being rebuilt, where the new one fails at events that the
        live one has handled, and when the two do not meet in time.
        """
        until = clock.monotonic() + SWAP_WITHIN
        live = Drain(self.database, self.inbox)
        while True:
            self._carry_over()
            live.run(seconds=1)
            self.fill()
            done = self._exchange()
            if done is not None:
                return done
            if clock.monotonic() > until:
                raise Refused(f"The generations of {self.base} do not meet; is the live one stuck?")

    def abandon(self) -> str:
        """Give the new generation up; its rows go later. Raises Refused where there is none."""
        with self.database.transaction() as session:
            self._lock(session)
            name = self._present(session)
            self._mode(session, name, "retired")
        return name

    # --- working --------------------------------------------------------------------------------

    def progress(self) -> Progress | None:
        """How far the new generation is; None when nothing is being rebuilt."""
        with self.database.reading() as session:
            name = generations.rebuilding(session, self.base)
            if name is None:
                return None
            row = session.execute(
                select(func.sum(consumer.c.position), func.sum(log_head.c.position))
                .join(log_head, log_head.c.log == consumer.c.log)
                .where(consumer.c.name == name)
            ).one()
            failed = session.scalar(
                select(func.count()).where(
                    aside.c.consumer == name, aside.c.status.in_(("retry", "dead"))
                )
            )
            live = generations.live(session, self.base)
            return Progress(name, live, int(row[0]), int(row[1]), failed or 0)

    def work(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Fill the new generation and clear retired ones for a while; whether more is left."""
        until = clock.monotonic() + seconds
        while clock.monotonic() < until and not stop():
            if not (self.advance() or self.clear()):
                return False
            self._give_way()
        return True

    def advance(self) -> int:
        """One batch for the new generation, and its due retries. How many events were taken."""
        with self.database.reading() as session:
            name = generations.rebuilding(session, self.base)
        if name is None:
            return 0
        if self._drain is None or self._drain.name != name:
            self._drain = Drain(self.database, self.inbox, name=name, skip_locked=self.skip_locked)
        return self._drain.batch() + self._drain.retry()

    def fill(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Advance until the new generation has caught up."""
        while not stop():
            taken, found = self.advance(), self.progress()
            if found is None or (taken == 0 and found.caught_up):
                return
            self._give_way()

    def clear(self) -> int:
        """Delete some rows of a retired generation; at the end, what remembers it."""
        with self.database.reading() as session:
            if generations.retired(session, self.base) is None:
                return 0
        with self.database.transaction() as session:
            self._lock(session)
            name = generations.retired(session, self.base)
            if name is None:
                return 0
            gone = generations.delete_some(session, self.inbox.tables, name, AT_ONCE)
            if not gone:
                session.execute(delete(aside).where(aside.c.consumer == name))
                session.execute(delete(consumer).where(consumer.c.name == name))
            return gone or 1

    def _give_way(self) -> None:
        if self.database.is_sqlite:
            clock.sleep(0.005)  # one writer: give waiting requests their turn

    # --- steps ----------------------------------------------------------------------------------

    def _lock(self, session: Session) -> None:
        """All generations, in order of their names, as no drain ever holds two."""
        session.execute(
            select(consumer.c.name)
            .where(generations.family(self.base))
            .order_by(consumer.c.name, consumer.c.log)
            .with_for_update()
        ).all()

    def _present(self, session: Session) -> str:
        name = generations.rebuilding(session, self.base)
        if name is None:
            shown = generations.live(session, self.base)
            raise Refused(f"{self.base} is not being rebuilt; {shown} is live.")
        return name

    def _places(self, session: Session, name: str) -> Sequence[Row[Any]]:
        query = select(consumer).where(consumer.c.name == name).order_by(consumer.c.log)
        return session.execute(query).all()

    def _check(self, session: Session, places: Sequence[Row[Any]]) -> None:
        if not places:
            raise Refused(f"There is no consumer {self.base}.")
        if any(place.mode == "paused" for place in places):
            raise Refused(f"{places[0].name} is paused: {places[0].last_error}")
        floor = session.scalar(
            select(func.max(log_head.c.floor)).where(
                log_head.c.log.in_([place.log for place in places])
            )
        )
        if floor:
            raise Refused(f"The log was pruned up to {floor}: its beginning is gone.")

    def _make(self, session: Session, name: str, places: Sequence[Row[Any]]) -> None:
        new = {"name": name, "position": 0, "mode": "rebuild", "moved_at": clock.now()}
        session.execute(insert(consumer), [{**new, "log": place.log} for place in places])
        columns = [column.name for column in aside.c if column.name != "consumer"]
        session.execute(
            insert(aside).from_select(
                ["consumer", *columns],
                select(literal(name), *(aside.c[each] for each in columns)).where(
                    aside.c.consumer == places[0].name, aside.c.status == "skipped"
                ),
            )
        )

    def _exchange(self) -> tuple[str, str] | None:
        """Both locked and at one position: the new one is live. None: they are far apart."""
        with self.database.transaction() as session:
            self._lock(session)
            new, old = self._present(session), generations.live(session, self.base)
            for mover, goal in ((new, old), (old, new)):
                self._follow(session, mover, goal)
            if self._stands(session, new) != self._stands(session, old):
                return None
            self._refuse_worse(session, new, old)
            self._mode(session, old, "retired")
            self._mode(session, new, "live")
        return new, old

    def _follow(self, session: Session, mover: str, goal: str) -> None:
        """One batch at most of what `goal` has handled and `mover` has not."""
        limits = self._stands(session, goal)
        drain = Drain(self.database, self.inbox, name=mover)
        session.info.update(consumer=mover, silent=self.base)
        rows = [row for row in drain.take(session) if row.position <= limits[row.log]]
        if rows:
            stuck = parking.stuck(session, mover, rows)
            drain.apply(session, [row for row in rows if not stuck.holds(row)])
            drain.block(session, [row for row in rows if stuck.holds(row)])
            drain.move(session, rows[-1])

    def _stands(self, session: Session, name: str) -> dict[str, int]:
        return {place.log: place.position for place in self._places(session, name)}

    def _carry_over(self) -> None:
        """What was skipped since the rebuild began is skipped in the new one, if it fails there."""
        theirs = aside.alias()
        with self.database.transaction() as session:
            self._lock(session)
            new, old = self._present(session), generations.live(session, self.base)
            rows = session.execute(
                select(aside, theirs.c.decided_by.label("by"), theirs.c.reason.label("why"))
                .join(theirs, _same(theirs))
                .where(
                    aside.c.consumer == new,
                    aside.c.status != "skipped",
                    theirs.c.consumer == old,
                    theirs.c.status == "skipped",
                )
                .order_by(aside.c.log, aside.c.position)
            ).all()
            for row in rows:  # decisions of people, and few
                parking.give_up(session, new, row, by=row.by, reason=row.why)

    def _refuse_worse(self, session: Session, new: str, old: str) -> None:
        theirs = aside.alias()
        there = select(theirs).where(theirs.c.consumer == old, _same(theirs)).exists()
        worse = session.execute(
            select(aside)
            .where(aside.c.consumer == new, aside.c.status.in_(("retry", "dead")), ~there)
            .order_by(aside.c.log, aside.c.position)
        ).all()
        if worse:
            raise Refused(
                f"{new} fails at {len(worse)} events that {old} has handled, first at"
                f" {worse[0].position}: {worse[0].error_class}: {worse[0].error}"
            )

    def _mode(self, session: Session, name: str, mode: str) -> None:
        session.execute(
            update(consumer)
            .where(consumer.c.name == name)
            .values(mode=mode, moved_at=clock.now(), last_error=None)
        )


def _same(theirs: Any) -> Any:
    return and_(theirs.c.log == aside.c.log, theirs.c.position == aside.c.position)
