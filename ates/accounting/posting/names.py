"""What people and tasks are called: pictures for display, of which the newest version wins."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import asdict as _fields
from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Card, PayoutLetter, Person
from ates.accounting.posting.facts import PersonCard, Task, TaskCard
from ates.accounting.writing import bulk, newer
from ates.kernel.mail import LetterState

PERSON = newer("name", "email", "role", "trade", "locale", "active")
CARD = newer("number", "title", "jira_id", "description")
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


QUEUE = _queue()  # worded once: it runs with nearly every batch


def keep_people(session: Session, people: Collection[PersonCard], now: datetime) -> None:
    """Upsert people; letters that waited for one of their addresses are queued."""
    bulk(session, Person, [_fields(person) for person in people], PERSON)
    reached = [person.person_id for person in people if person.email]
    if reached:
        session.connection().execute(QUEUE, {"reached": reached, "now": now})


def keep_cards(session: Session, tasks: Iterable[Task]) -> None:
    """Upsert cards, then put later titles on them; a title without a card waits for none."""
    created: dict[int, Any] = {}  # one row per task: a merge meets each row once
    retitled = []
    for task in tasks:
        for card in sorted(task.cards, key=_version) if len(task.cards) > 1 else task.cards:
            if card.number is not None:
                created[task.id.int] = {"task_id": task.id, **_fields(card)}
            else:
                retitled.append(
                    {"of": task.id, "says": card.title, "jira": card.jira_id, "no": card.version}
                )
    bulk(session, Card, list(created.values()), CARD)
    if retitled:
        session.connection().execute(RETITLE, retitled)


def _version(card: TaskCard) -> int:
    return card.version
