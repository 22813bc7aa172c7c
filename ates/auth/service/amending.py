"""Several changes of one person at once: all of them, or none."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from ates.auth.models import Person
from ates.auth.service.people import activate, change_details, change_role, deactivate, locked
from ates.contracts.auth import Role


@dataclass(frozen=True)
class Amendment:
    """What should be otherwise; None leaves it as it is, an empty trade takes it away."""

    name: str | None = None
    role: Role | None = None
    trade: str | None = None
    active: bool | None = None


def amend_person(session: Session, person_id: UUID, wanted: Amendment, *, by: UUID) -> Person:
    """Change what `wanted` names, each by its own rule.

    Raises NotFound, Conflict for the last active admin, Forbidden for the own role, Invalid with a
    sentence per field. The admins are locked before the person, as everywhere.
    """
    if wanted.role is not None:
        change_role(session, person_id, wanted.role, by=by)
    if wanted.active is not None:
        (activate if wanted.active else deactivate)(session, person_id, by=by)
    person = locked(session, person_id)
    if wanted.name is None and wanted.trade is None:
        return person
    return change_details(
        session,
        person_id,
        email=person.email,
        name=person.name if wanted.name is None else wanted.name,
        trade=person.trade if wanted.trade is None else wanted.trade,
        locale=person.locale,
    )
