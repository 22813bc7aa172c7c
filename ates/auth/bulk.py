"""The people of a company that is made by bulk, with passwords that everybody may know."""

from ates.auth import details, passwords
from ates.auth.models import Person
from ates.contracts.auth import Role
from ates.contracts.chronicle import Chronicle, moment_text
from ates.kernel.bulk import Loader, Scribe

PERSON = (
    "id", "email", "email_key", "name", "name_key", "role", "locale", "active", "epoch",
    "password_hash", "created_at", "said",
)  # fmt: skip


class Registrar(Scribe):
    """Writes the people down; nothing changes about them later."""

    def __init__(self, loader: Loader, chronicle: Chronicle) -> None:
        self.loader, self.chronicle = loader, chronicle

    def begin(self) -> None:
        """One hash per role, of the password `popug-<role>`: each costs what a sign-in costs."""
        hashes = {role: passwords.hashed(f"popug-{role}") for role in Role}
        rows = [
            (
                str(each.id),
                each.email,
                details.folded(each.email),
                each.name,
                details.folded(each.name),
                str(each.role),
                each.locale,
                True,
                1,
                hashes[each.role],
                moment_text(each.said_at),
                1,
            )
            for each in self.chronicle.people
        ]
        self.loader.load(Person, PERSON, rows)
        self.said = len(rows)
