"""What accounting does when others speak."""

from ates.accounting.gate import posting as open_posting
from ates.accounting.posting import PersonCard, Posting, TaskCard
from ates.contracts.auth import PersonChanged, PersonRegistered
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated, TaskRetitled
from ates.kernel.events import meta_of
from ates.kernel.inbox import Inbox

inbox = Inbox("accounting", unit=open_posting)


@inbox.on(TaskCreated)
def price_task(posting: Posting, event: TaskCreated) -> None:
    card = TaskCard(
        version=event.key_version,
        title=event.title,
        jira_id=event.jira_id,
        number=event.number,
        description=event.description,
    )
    posting.seen(event.task_id, card)


@inbox.on(TaskRetitled)
def rename_task(posting: Posting, event: TaskRetitled) -> None:
    card = TaskCard(version=event.key_version, title=event.title, jira_id=event.jira_id)
    posting.seen(event.task_id, card)


@inbox.on(TaskAssigned)
def charge_assignee(posting: Posting, event: TaskAssigned) -> None:
    posting.fee(event.task_id, event.number, to=event.assignee_id, cause=meta_of(event))


@inbox.on(TaskCompleted)
def reward_assignee(posting: Posting, event: TaskCompleted) -> None:
    posting.reward(event.task_id, to=event.assignee_id, cause=meta_of(event))


@inbox.on(PersonRegistered)
def meet_person(posting: Posting, event: PersonRegistered) -> None:
    posting.person(_card(event))


@inbox.on(PersonChanged)
def rename_person(posting: Posting, event: PersonChanged) -> None:
    posting.person(_card(event))


def _card(event: PersonRegistered | PersonChanged) -> PersonCard:
    return PersonCard(
        person_id=event.person_id,
        version=event.key_version,
        name=event.name,
        email=event.email,
        role=event.role,
        trade=event.trade,
        locale=event.locale,
        active=event.active,
    )
