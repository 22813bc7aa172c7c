"""What people and tasks are called: pictures for display, of which the newest version wins."""

from collections.abc import Collection, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from msgspec.structs import asdict as _fields
from sqlalchemy import Update, bindparam, select, text, update
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Card, PayoutLetter, Person
from ates.accounting.posting.facts import PersonCard, Task, TaskCard
from ates.accounting.writing import bulk, lay, newer
from ates.kernel.mail import LetterState
from ates.kernel.worded import Worded

PERSON = newer("name", "email", "role", "trade", "locale", "active")
CARD = newer("number", "title", "jira_id", "description")
TOLD = TaskCard.__struct_fields__
_told = attrgetter(*TOLD)
RETITLE = (
    update(Card)
    .where(Card.task_id == bindparam("of"), Card.version < bindparam("no"))
    .values(title=bindparam("says"), jira_id=bindparam("jira"), version=bindparam("no"))
)


def _queue() -> Update:
    """Letters that wait for the address of somebody who has one now."""
    theirs = select(Account.id).join(Person, Person.person_id == Account.person_id)
    reached = Account.person_id.in_(bindparam("reached", expanding=True))
    locale = (
        select(Person.locale)
        .join(Account, Account.person_id == Person.person_id)
        .where(Account.id == PayoutLetter.account_id)
        .scalar_subquery()
    )
    return (
        update(PayoutLetter)
        .where(
            PayoutLetter.state == LetterState.WAITING_ADDRESS,
            PayoutLetter.account_id.in_(theirs.where(reached, Person.email.is_not(None))),
        )
        .values(state=LetterState.QUEUED, next_try_at=bindparam("now"), locale=locale)
    )


QUEUE = _queue()
WAITING = Worded(  # written out, so that the partial index is used
    select(select(PayoutLetter).where(text(f"state = '{LetterState.WAITING_ADDRESS}'")).exists())
)


def reached(session: Session, people: Iterable[PersonCard]) -> list[UUID]:
    """Who of these people has an address for which a letter may wait."""
    found = [person.person_id for person in people if person.email]
    return found if found and WAITING.run(session).fetchone()[0] else []


def keep_people(
    session: Session, people: Iterable[PersonCard], reached: Collection[UUID], now: datetime
) -> None:
    """Upsert people; letters that waited for the address of those who are `reached` are queued."""
    bulk(session, Person, [_fields(person) for person in people], PERSON)
    if reached:
        session.connection().execute(QUEUE, {"reached": reached, "now": now})


def keep_cards(session: Session, tasks: Iterable[Task]) -> None:
    """Upsert cards, then put later titles on them; a title without a card waits for none."""
    created: dict[int, tuple[Any, ...]] = {}  # one row per task: a merge meets each row once
    retitled = []
    for task in tasks:
        for card in sorted(task.cards, key=_version) if len(task.cards) > 1 else task.cards:
            if card.number is not None:
                created[task.id.int] = (task.id, *_told(card))
            else:
                retitled.append(
                    {"of": task.id, "says": card.title, "jira": card.jira_id, "no": card.version}
                )
    lay(session, Card, ("task_id", *TOLD), list(created.values()), CARD)
    if retitled:
        session.connection().execute(RETITLE, retitled)


def _version(card: TaskCard) -> int:
    return card.version
