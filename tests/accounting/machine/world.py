"""A world around one set of books: what people, tasks, cron and the clock may do, act by act.

Every act goes through the real entry: events through outbox, log and drain, nights through the
payout, letters over SMTP. After each act `violations()` asks what does not hold.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import update

from ates.accounting import payout
from ates.accounting.ledger import Ledger
from ates.accounting.posting import Posting
from ates.kernel import generations, mail
from ates.kernel.delivery import Drain
from ates.kernel.errors import DatabaseAway, Hopeless
from ates.kernel.log import sequence
from ates.kernel.tables import consumer
from ates.ops import repair
from tests.accounting.machine import deciding, figures, laws, nights, post
from tests.accounting.machine.nights import KINDS_OF_DEATH
from tests.accounting.machine.rows import ME, Rows, read
from tests.accounting.machine.telling import PEOPLE, Said, Told
from tests.accounting.make import ARA, Office, approve
from tests.kernel.faults import DRAIN, Away, Crash, breaking, crash, replaced

__all__ = ["HEARING", "PEOPLE", "Said", "World"]

HEARING = {step.name: step for step in DRAIN}


class World(Told):
    """Everything that can happen to the books, by name."""

    # --- how it arrives ---------------------------------------------------------------------------

    def number(self) -> None:
        """The sequencer alone: staged events get their numbers."""
        with self.running():
            sequence(self.database)

    def hear(self, size: int = 500, *, batches: int = 0, watched: bool = False) -> None:
        """The drain: to the end, or so many batches. `watched`: somebody reads meanwhile (P18)."""
        with self.failing("P6 the drain"), self.running(), ExitStack() as stack:
            if watched:
                stack.enter_context(figures.watching(self))
            drain = self.drain(size)
            if not batches:
                drain.run()
                return
            sequence(self.database)
            for _ in range(batches):
                drain.batch()

    def hear_and_die(self, step: str, how: str, size: int = 500) -> None:
        """The drain dies at a step, or the database is away there; another one goes on later."""
        with (
            self.running(),
            breaking(self.database, HEARING[step], KINDS_OF_DEATH[how]),
            suppress(Crash, Away, DatabaseAway),
        ):
            self.drain(size).run()

    def replay(self, size: int = 500) -> None:
        """The whole log once more."""
        with self.running(), self.database.transaction() as session:
            session.execute(update(consumer).where(consumer.c.name == ME).values(position=0))
        self.hear(size)

    def park(self, ahead: int = 1) -> None:
        """Somebody sets an unread event aside."""
        self.number()
        with self.running(), suppress(LookupError):
            position = read(self.database).position + ahead
            repair.set_aside(self.database, ME, position, by="a test", reason="it looks odd")

    def again(self) -> None:
        """Somebody has repaired what was wrong: all that is set aside is tried again."""
        with self.running(), self.database.transaction() as session:
            repair.again(session, repair.heads(session, consumer=ME), by="a test")

    def skip(self) -> None:
        """Somebody decides that the first event set aside will never be booked."""
        with self.running(), self.database.transaction() as session:
            for head in repair.heads(session, consumer=ME)[:1]:
                repair.skip(session, head, by="a test", reason="it is not true")

    # --- what people decide -----------------------------------------------------------------------

    def adjust(self, who: UUID, cents: int, *, id: int = 0) -> None:
        """Post a correction; the same one twice is posted once, with another sum refused."""
        adjustment = UUID(int=7_000_000 + (id or len(self.adjustments) + 1))
        with self.running(), suppress(Hopeless), self.database.transaction() as session:
            posting = Posting(session, self.books)
            posting.adjust(adjustment, to=who, amount_cents=cents)
            posting.flush()
            approve(session, posting)
            self.adjustments.setdefault(adjustment, (who, cents))

    def hold(self, what: str, who: UUID = ARA) -> None:
        deciding.hold(self, what, who)

    def release(self) -> None:
        deciding.release(self)

    def correct(self, who: UUID, cents: int) -> None:
        deciding.correct(self, who, cents)

    def reverse(self, which: int) -> None:
        deciding.reverse(self, which)

    def race(self, who: UUID) -> None:
        """Two corrections of one account at once: the second writer waits for the first's commit,
        which comes just before it gets the lock."""
        lock, first = Ledger.lock.__func__, [True]  # type: ignore[attr-defined]

        def waiting(cls: Any, session: Any) -> Any:
            if first.pop() if first else False:
                self.adjust(who, 300, id=901)
            return lock(cls, session)

        with (
            self.failing("P2 a writer beside another"),
            replaced(Ledger, "lock", classmethod(waiting)),
        ):
            self.adjust(who, 200, id=902)

    # --- nights -----------------------------------------------------------------------------------

    def night(
        self,
        size: int = 500,
        *,
        catch_up: int = 400,
        through: date | None = None,
        meanwhile: Callable[["World"], None] | None = None,
    ) -> None:
        """A run of the payout, compared with what it must do; `meanwhile` happens between its
        batches."""
        limits = payout.Limits(through=through, catch_up=catch_up)
        nights.run(self, limits, size, meanwhile)

    def night_and_die(self, step: str, how: str, size: int = 1) -> None:
        """A run that dies at a step; another one goes on later."""
        nights.run_and_die(self, step, how, size)

    # --- letters ----------------------------------------------------------------------------------

    def send(self, mode: str = "accept", *, killed: bool = False) -> None:
        """The mail worker, while the server is in a mood; it may die with a letter in its hands."""
        assert self.server is not None
        self.server.mode = mode
        with self.running(), ExitStack() as stack:
            if killed:
                stack.enter_context(breaking(self.database, post.SETTLE, crash))
            with suppress(Crash):
                mail.send_due()

    # --- what must hold ---------------------------------------------------------------------------

    def look(self) -> None:
        """Administrators look at their figures: analytics hears, and everything is compared."""
        self.faults += figures.broken(self)

    def lose(self, type_: str) -> None:
        """Somebody decides that analytics need not hear an event of this type."""
        self.number()
        rows = read(self.database)
        position = next(row.position for row in rows.log if row.type == type_)
        hearer = Drain(self.database, self.app.extensions["ates.inboxes"]["analytics"])
        with self.running(), self.database.transaction() as session:
            name = generations.live(session, "analytics")
        about = {"by": "a test", "reason": "nobody needs it"}
        with self.running():
            repair.set_aside(self.database, name, position, **about)
            with self.database.transaction() as session:
                for head in repair.heads(session, consumer=name):
                    repair.skip(session, head, **about)
            hearer.run()

    def meanwhile(self, what: str) -> None:
        """Between two batches of a night another one runs, facts are heard, or it is held."""
        if what.startswith("hold"):
            self.hold(what.removeprefix("hold "))
        elif what == "night":
            payout.run(self.database, self.books, payout.Limits(catch_up=400))
        else:
            self.drain(500).run()

    def act(self, name: str, *args: Any, **more: Any) -> None:
        """Do an act and count it; what it broke is said by `violations`."""
        self.step += 1
        getattr(self, name)(*args, **more)

    def violations(self) -> list[str]:
        """What does not hold now, each sentence beginning with the name of the property."""
        rows = read(self.database)
        self._note_skipped(rows)
        found, self.faults = [*self.faults, *laws.broken(self, rows)], []
        if self.server is not None:
            found += post.broken(self, rows)
        return found

    def rest(self) -> list[str]:
        """What does not hold once everything is heard and every figure compared."""
        self.hear()
        return [*self.violations(), *figures.broken(self), *self.proven()]

    def remember(self, rows: Rows) -> bool:
        """Keep what must never change from now on; whether the books moved since the last time."""
        self.before, self.kept = self.kept, _final(rows)
        return self.before != self.kept

    def _note_skipped(self, rows: Rows) -> None:
        """Whose accounts were held as a day was paid: they are owed it still."""
        held = {row.account_id for row in rows.active_holds if row.account_id is not None}
        people = {row.person_id for row in rows.accounts if row.id in held}
        paid = {day.business_date for day in rows.days if day.state == "paid"}
        self.skipped |= {(who, day) for who in people for day in paid - self.paid_days}
        self.paid_days = paid

    def proven(self) -> Iterator[str]:
        """P13: the full proof finds nothing, the log included."""
        with self.running():
            for difference in Office(self.database, self.books).verify("full"):
                yield f"P13 {difference}"


def _final(rows: Rows) -> dict[str, dict[Any, Any]]:
    """What never changes any more."""
    return {
        "entry": {row.entry_no: tuple(row) for row in rows.entries},
        "price": {row.task_id: tuple(row) for row in rows.prices},
        "payout": {tuple(row[:2]): tuple(row) for row in rows.payouts},
        "block": {row.block_no: tuple(row) for row in rows.blocks},
        "border": {row.business_date: (row.starts_at, row.ends_at) for row in rows.days},
        "close": {
            row.business_date: (row.closed_at, row.close_entry_no, row.parked, row.seal)
            for row in rows.days
            if row.state != "open"
        },
        "payment": {
            row.business_date: (row.paid_at, row.payouts, row.payout_cents)
            for row in rows.days
            if row.state == "paid"
        },
    }
