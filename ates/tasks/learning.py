"""What tasks learns when others speak: collected per batch, written at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ates.contracts.accounting import PostedEntry, Price
from ates.contracts.auth import DRAWN_ROLES, PersonChanged, PersonRegistered
from ates.kernel import clock
from ates.kernel.db import is_sqlite
from ates.kernel.envelope import Meta
from ates.tasks import drawing, titles
from ates.tasks.drawing import ASSIGNMENT, TASK
from ates.tasks.models import Assignee

ASSIGNEE: Table = Assignee.__table__  # type: ignore[assignment]
Row = Mapping[str, Any]


class Learning:
    """The unit of the inbox: handlers put facts in, `flush` writes them, one statement a kind.

    Each fact may come again and in any order: an older picture of a person loses, a price and the
    number of an entry are written once. A price or entry of an unknown task changes nothing: a
    task's row commits together with the event that accounting priced it for.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.people: dict[UUID, tuple[PersonRegistered | PersonChanged, Meta]] = {}
        self.priced: dict[UUID, Row] = {}
        self.fees: dict[tuple[UUID, int], int] = {}
        self.rewards: dict[UUID, int] = {}
        self.cause: Meta | None = None  # the last word about a person

    def person(self, event: PersonRegistered | PersonChanged, cause: Meta) -> None:
        """How a person is called, and whether they are in the lot (R6)."""
        known = self.people.get(event.person_id)
        if known is None or known[0].key_version < event.key_version:
            self.people[event.person_id], self.cause = (event, cause), cause

    def price(self, prices: Iterable[Price], at: datetime) -> None:
        """What tasks cost and bring; the first price stays (R13)."""
        for each in prices:
            self.priced.setdefault(
                each.task_id,
                {"of": each.task_id, "fee": each.fee_cents, "reward": each.reward_cents, "at": at},
            )

    def booked(self, entries: Iterable[PostedEntry]) -> None:
        """Fees by assignment, rewards by task (R14); other kinds are not about tasks."""
        for entry in entries:
            if entry.kind == "fee":
                self.fees[entry.source_id, entry.source_no] = entry.entry_no
            elif entry.kind == "reward":
                self.rewards[entry.source_id] = entry.entry_no

    def flush(self) -> None:
        """Write it all, rows in the order of their keys, so that two writers never cross.

        People first: whoever left is redrawn in this same transaction (R10).
        """
        self._write_people()
        self._write_prices()
        self._write_bookings()

    def _write_people(self) -> None:
        if not self.people or self.cause is None:
            return
        insert = sqlite_insert if is_sqlite(self.session) else pg_insert
        statement = insert(ASSIGNEE)
        new = statement.excluded
        heard = ("name", "name_key", "role", "active", "eligible", "version")
        self.session.execute(
            statement.on_conflict_do_update(
                index_elements=["id"],
                set_={name: new[name] for name in heard},
                where=ASSIGNEE.c.version < new.version,
            ),
            [_picture(*self.people[each]) for each in sorted(self.people)],
        )
        drawing.redraw_stranded(self.session, clock.now(), self.cause)

    def _write_prices(self) -> None:
        task = TASK.c
        statement = (
            update(TASK)
            .where(task.id == bindparam("of"), task.fee_cents.is_(None))
            .values(
                fee_cents=bindparam("fee"),
                reward_cents=bindparam("reward"),
                worth_cents=bindparam("reward"),
                priced_at=bindparam("at"),
            )
        )
        self._run(statement, [self.priced[each] for each in sorted(self.priced)])

    def _write_bookings(self) -> None:
        new = ASSIGNMENT.c
        fees = update(ASSIGNMENT).where(
            new.task_id == bindparam("of"), new.number == bindparam("no")
        )
        self._run(
            fees.values(fee_entry_no=bindparam("entry")),
            [{"of": of, "no": no, "entry": self.fees[of, no]} for of, no in sorted(self.fees)],
        )
        rewards = update(TASK).where(TASK.c.id == bindparam("of"))
        self._run(
            rewards.values(reward_entry_no=bindparam("entry")),
            [{"of": of, "entry": self.rewards[of]} for of in sorted(self.rewards)],
        )

    def _run(self, statement: Any, rows: Sequence[Row]) -> None:
        if rows:
            self.session.connection().execute(statement, rows)


def _picture(event: PersonRegistered | PersonChanged, meta: Meta) -> Row:
    return {
        "id": event.person_id,
        "name": event.name,
        "name_key": titles.folded(event.name),
        "role": event.role,
        "active": event.active,
        "eligible": event.active and event.role in DRAWN_ROLES,
        "version": event.key_version,
        "seen_at": meta.occurred_at,  # of a new row only: nothing came before
    }
