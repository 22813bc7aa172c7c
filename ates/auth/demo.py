"""The people of the demonstration company, with passwords that everybody may know."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.auth import details, passwords, service
from ates.auth.models import Person
from ates.contracts.auth import Role
from ates.kernel.db import reading, transaction


@dataclass(frozen=True)
class Popug:
    """One of them; the first of a role is the one to sign in as."""

    name: str
    role: Role
    trade: str | None = None

    @property
    def email(self) -> str:
        return f"{self.name.split()[0].lower()}@popug.example"

    @property
    def password(self) -> str:
        return f"popug-{self.role}"


POPUGS = (
    Popug("Aurora K.", Role.ADMIN),
    Popug("Margo S.", Role.MANAGER),
    Popug("Rio B.", Role.ACCOUNTANT),
    Popug("Kesha A.", Role.EMPLOYEE, "developer"),
    Popug("Gosha P.", Role.EMPLOYEE, "developer"),
    Popug("Polly N.", Role.EMPLOYEE, "tester"),
    Popug("Zazu M.", Role.EMPLOYEE, "support"),
    Popug("Lori D.", Role.EMPLOYEE, "designer"),
    Popug("Flint C.", Role.EMPLOYEE, "shipping"),
)


def demo() -> None:
    """Register them, those who are not there yet. Hashing is done before anything is locked."""
    hashes = {role: passwords.hashed(f"popug-{role}") for role in Role}
    with transaction("auth") as session:
        for popug in POPUGS:
            if not _is_there(session, popug):
                service.create_person(
                    session,
                    email=popug.email,
                    name=popug.name,
                    role=popug.role,
                    trade=popug.trade,
                    password_hash=hashes[popug.role],
                )


def sign_ins() -> list[dict[str, str]]:
    """One sign-in per role of those who are there, to be printed."""
    with reading("auth") as session:
        there = {popug for popug in POPUGS if _is_there(session, popug)}
    first = {popug.role: popug for popug in reversed(POPUGS) if popug in there}
    return [
        {
            "role": str(role),
            "name": first[role].name,
            "email": first[role].email,
            "password": first[role].password,
        }
        for role in Role
        if role in first
    ]


def _is_there(session: Session, popug: Popug) -> bool:
    key = details.folded(popug.email)
    return session.scalar(select(Person.id).where(Person.email_key == key)) is not None
