"""Books on trial: people, tasks and facts of the worked example, posted at their moments."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting import payout
from ates.accounting.keyring import Books, Keyring
from ates.accounting.models import Account, Adjustment, BusinessDay, Entry
from ates.accounting.posting import PersonCard, Posting
from ates.accounting.report import Report
from ates.accounting.verify import Level
from ates.accounting.verify import verify as proof
from ates.contracts.tasks import TaskCreated
from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.envelope import Meta

BOOKS_KEYS = "1:" + bytes(range(32)).hex()
KEYRING = Keyring.parse(BOOKS_KEYS)
ARA, BIBI, COCO = (UUID(f"00000000-0000-4000-8000-0000000000a{n}") for n in (1, 2, 3))
NAMES = {ARA: "Ara", BIBI: "Bibi", COCO: "Coco"}


def books(zone: str = "UTC", **changes: Any) -> Books:
    values: dict[str, Any] = {"keyring": KEYRING, "zone": ZoneInfo(zone), "domain": "popug.test"}
    return Books(**(values | changes))


def task(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012}")


def moment(text: str) -> datetime:
    """`27 09:00` of March 2025, or a whole ISO moment."""
    if len(text) > 20 or "T" in text:
        return datetime.fromisoformat(text)
    day, _, time = text.partition(" ")
    return datetime.fromisoformat(f"2025-03-{day}T{time}").replace(tzinfo=UTC)


def said(at: datetime, event_id: int) -> Meta:
    """The envelope of an event that happened at this moment."""
    return Meta(id=UUID(int=event_id), source="tasks", key="", key_version=1, occurred_at=at)


def created(number: int) -> TaskCreated:
    return TaskCreated(
        task_id=task(number),
        key_version=1,
        number=number,
        title="Fix the nest",
        jira_id=f"POPUG-{number}",
        created_by=ARA,
    )


def person(person_id: UUID, **changes: Any) -> PersonCard:
    name = NAMES.get(person_id, "Popug")
    values: dict[str, Any] = {
        "person_id": person_id,
        "version": 1,
        "name": name,
        "email": f"{name.lower()}@popug.test",
        "role": "employee",
        "trade": "tester",
        "locale": "en",
        "active": True,
    }
    return PersonCard(**(values | changes))


@dataclass
class Office:
    """One set of books on a real database; every call is one transaction at one moment."""

    database: Database
    books: Books = field(default_factory=books)
    events: int = 5000

    @contextmanager
    def posting(self, now: datetime) -> Iterator[Posting]:
        with clock.frozen(now), self.database.transaction() as session:
            unit = Posting(session, self.books)
            yield unit
            unit.flush()

    def fee(
        self, who: UUID, task_no: int, number: int, at: str, *, id: int = 0, now: str = ""
    ) -> None:
        meta = self._meta(at, id)
        with self.posting(moment(now or at)) as unit:
            unit.fee(task(task_no), number, to=who, cause=meta)

    def reward(self, who: UUID, task_no: int, at: str, *, id: int = 0, now: str = "") -> None:
        meta = self._meta(at, id)
        with self.posting(moment(now or at)) as unit:
            unit.reward(task(task_no), to=who, cause=meta)

    def adjust(self, who: UUID, cents: int, at: str, *, id: int) -> None:
        with clock.frozen(moment(at)), self.database.transaction() as session:
            unit = Posting(session, self.books)
            unit.adjust(UUID(int=id), to=who, amount_cents=cents)
            unit.flush()
            approve(session, unit)

    def meet(self, *people: PersonCard, at: str = "26 09:00") -> None:
        with self.posting(moment(at)) as unit:
            for each in people:
                unit.person(each)

    def run(self, at: str, **limits: Any) -> Report:
        with clock.frozen(moment(at)):
            return payout.run(self.database, self.books, payout.Limits(**limits))

    def dry_run(self, at: str, **limits: Any) -> Report:
        with clock.frozen(moment(at)), self.database.reading() as session:
            return payout.dry_run(session, self.books, payout.Limits(**limits))

    def verify(self, level: Level = "full") -> list[str]:
        """Sentences of the differences. The log is compared where events came through it."""
        with self.database.reading() as session:
            return self.differences(session, level)

    def differences(self, session: Session, level: Level) -> list[str]:
        return [str(each) for each in proof(session, self.books, level).differences]

    def entries(self) -> list[Any]:
        return self.rows(
            select(Entry.__table__, Account.person_id)
            .join(Account, Account.id == Entry.account_id)
            .order_by(Entry.entry_no)
        )

    def balances(self) -> dict[str, int]:
        rows = self.rows(select(Account.person_id, Account.balance_cents))
        return {NAMES.get(row.person_id, str(row.person_id)): row.balance_cents for row in rows}

    def days(self) -> dict[int, Any]:
        """Day rows by day of the month."""
        return {row.business_date.day: row for row in self.day_rows()}

    def day_rows(self) -> list[Any]:
        return self.rows(select(BusinessDay.__table__).order_by(BusinessDay.business_date))

    def rows(self, question: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.execute(question).all())

    def scalar(self, question: Any) -> Any:
        return self.rows(question)[0][0]

    def _meta(self, at: str, id: int) -> Meta:
        self.events += 1
        return said(moment(at), id or self.events)


def approve(session: Session, unit: Posting) -> None:
    """The decisions behind the corrections that were just posted."""
    for entry in unit.posted:
        if entry.kind == "adjustment":
            session.add(
                Adjustment(
                    id=entry.source_id,
                    account_id=entry.account_id,
                    amount_cents=entry.amount_cents,
                    reason="vet, receipt 118",
                    state="approved",
                    requested_by=UUID(int=1),
                    requested_at=entry.posted_at,
                    decided_by=UUID(int=2),
                    decided_at=entry.posted_at,
                    entry_no=entry.entry_no,
                )
            )


def worked_example(office: Office) -> Iterator[Report]:
    """Chapter 17 of the books, act by act; gives the report of each run."""
    office.fee(ARA, 1, 1, "27 09:00", id=1001)
    office.fee(BIBI, 2, 1, "27 09:05", id=1002)
    office.reward(BIBI, 2, "27 16:00", id=1003)
    office.adjust(ARA, 245, "27 17:00", id=77)
    office.fee(COCO, 3, 1, "28 10:00", id=1004)
    office.fee(BIBI, 4, 1, "28 10:10", id=1005)
    office.fee(COCO, 1, 2, "28 12:00", id=1006)
    office.fee(COCO, 3, 2, "28 12:00", id=1007)
    office.fee(ARA, 4, 2, "28 12:00", id=1008)
    office.reward(COCO, 1, "28 15:00", id=1009)
    office.reward(ARA, 4, "28 18:00", id=1010)
    office.fee(BIBI, 5, 1, "28 23:59:59.999999", id=1012)
    office.fee(ARA, 6, 1, "29 00:00", id=1013)
    yield office.run("29 00:10")
    office.reward(COCO, 3, "28 23:59:40", id=1011, now="29 10:00")
    office.reward(BIBI, 5, "29 11:00", id=1014)
    yield office.run("30 00:10")
