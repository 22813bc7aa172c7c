"""What auth tells the others."""

from enum import StrEnum
from uuid import UUID

from ates.kernel.events import event


class Role(StrEnum):
    """What a person may do (R2); a trade is free text and gives no rights."""

    ADMIN = "admin"
    MANAGER = "manager"
    ACCOUNTANT = "accountant"
    EMPLOYEE = "employee"


DRAWN_ROLES = frozenset({Role.EMPLOYEE, Role.ACCOUNTANT})  # who is in the lot (R6)


@event("auth.person_registered", version=1, key="person_id")
class PersonRegistered:
    """A person was added by an administrator or a command (R3)."""

    person_id: UUID
    key_version: int
    email: str
    name: str
    role: Role
    trade: str | None
    locale: str
    active: bool
    epoch: int


@event("auth.person_changed", version=1, key="person_id")
class PersonChanged:
    """Something about a person changed; the event carries the whole present state.

    `epoch` rises with each change that ends old proofs of identity (role, name, password,
    deactivation, sign-out everywhere).
    """

    person_id: UUID
    key_version: int
    email: str
    name: str
    role: Role
    trade: str | None
    locale: str
    active: bool
    epoch: int
