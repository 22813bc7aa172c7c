"""People, tasks and the words of other parts, as tests of tasks need them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.contracts.accounting import LEDGER, EntriesPosted, Kind, PostedEntry, Price, TasksPriced
from ates.contracts.auth import DRAWN_ROLES, PersonChanged, PersonRegistered, Role
from ates.kernel import clock, ids
from ates.kernel.envelope import Meta
from ates.kernel.events import attach, contract_of, key_of
from ates.tasks import service, titles
from ates.tasks.handlers import inbox
from ates.tasks.models import Assignee, Assignment, Head, Reason, Status, Task, Word
from ates.tasks.titles import Wording

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def assignee(
    session: Session,
    name: str = "Polly",
    role: Role = Role.EMPLOYEE,
    *,
    active: bool = True,
    person: UUID | None = None,
) -> Assignee:
    """Somebody tasks has heard of."""
    made = Assignee(
        id=person or ids.new(),
        name=name,
        name_key=titles.folded(name),
        role=role,
        active=active,
        eligible=active and role in DRAWN_ROLES,
        version=1,
        seen_at=EPOCH,
    )
    session.add(made)
    session.flush()
    return made


def flock(session: Session, count: int) -> list[UUID]:
    """Employees in the lot."""
    return [assignee(session, f"Popug {number}").id for number in range(count)]


def task(
    session: Session,
    holder: Assignee,
    title: str = "Count the parrots",
    *,
    jira_id: str | None = None,
    fee: int | None = None,
    reward: int | None = None,
    at: datetime | None = None,
) -> Task:
    """A task this person holds, as its rows are after its creation; nothing is said."""
    at = at or clock.now()
    head = session.get_one(Head, "task")
    head.last += 1
    made = Task(
        id=ids.new(),
        number=head.last,
        title=title,
        jira_id=jira_id,
        status=Status.OPEN,
        assignee_id=holder.id,
        assignment=1,
        assigned_at=at,
        created_by=holder.id,
        created_at=at,
        fee_cents=fee,
        reward_cents=reward,
        worth_cents=reward or 0,
        priced_at=at if fee else None,
        said=2,
    )
    session.add(made)
    session.flush()
    session.add(
        Assignment(task_id=made.id, number=1, assignee_id=holder.id, at=at, reason=Reason.CREATED)
    )
    session.add_all(Word(word=word, task_id=made.id) for word in titles.words(title))
    session.flush()
    return made


def tasks(session: Session, count: int, by: UUID) -> list[Task]:
    """Tasks created the way people do it: drawn, said."""
    return [
        service.create_task(session, Wording(f"Feed nest {number}"), by=by)
        for number in range(count)
    ]


def all_tasks(session: Session) -> Sequence[Task]:
    """Every task as its row is now, by number."""
    session.flush()
    return session.scalars(
        select(Task).order_by(Task.number).execution_options(populate_existing=True)
    ).all()


def by_number(session: Session, number: int) -> Task:
    """One task as its row is now."""
    found = select(Task).where(Task.number == number)
    return session.scalars(found.execution_options(populate_existing=True)).one()


def draws(session: Session, of: Task) -> Sequence[Assignment]:
    """The assignments of a task in order."""
    return session.scalars(
        select(Assignment)
        .where(Assignment.task_id == of.id)
        .order_by(Assignment.number)
        .execution_options(populate_existing=True)
    ).all()


# --- what others say ------------------------------------------------------------------------------


def registered(person: UUID, name: str = "Polly", role: Role = Role.EMPLOYEE) -> PersonRegistered:
    return PersonRegistered(**_person(person, 1, name, role, active=True))


def changed(
    person: UUID,
    version: int,
    *,
    name: str = "Polly",
    role: Role = Role.EMPLOYEE,
    active: bool = True,
) -> PersonChanged:
    return PersonChanged(**_person(person, version, name, role, active=active))


def priced(*prices: tuple[UUID, int, int], version: int = 1) -> TasksPriced:
    return TasksPriced(
        ledger=LEDGER,
        key_version=version,
        prices=[Price(task_id=of, fee_cents=fee, reward_cents=gain) for of, fee, gain in prices],
    )


def entry(no: int, kind: Kind, source: UUID, source_no: int = 0, cents: int = 0) -> PostedEntry:
    return PostedEntry(
        entry_no=no,
        person_id=UUID(int=1),
        kind=kind,
        amount_cents=cents,
        business_date=date(2026, 11, 24),
        occurred_on=date(2026, 11, 24),
        occurred_at=clock.now(),
        source_id=source,
        source_no=source_no,
    )


def posted(*entries: PostedEntry, version: int = 2) -> EntriesPosted:
    return EntriesPosted(
        ledger=LEDGER, key_version=version, block_no=version, entries=list(entries), cards=[]
    )


def hear(session: Session, *events: Any) -> None:
    """One batch through the handlers, as a drain hands it over."""
    unit, handlers = inbox.unit(session), inbox.handlers()
    for event in events:
        contract = contract_of(type(event))
        meta = Meta(
            id=ids.new(),
            source=contract.source,
            key=key_of(event),
            key_version=event.key_version,
            occurred_at=clock.now() - timedelta(seconds=1),
        )
        handlers[contract.type](unit, attach(event, meta))
    unit.flush()


def _person(person: UUID, version: int, name: str, role: Role, *, active: bool) -> dict[str, Any]:
    return {
        "person_id": person,
        "key_version": version,
        "email": f"{person}@popug.example",
        "name": name,
        "role": role,
        "trade": None,
        "locale": "en",
        "active": active,
        "epoch": version,
    }
