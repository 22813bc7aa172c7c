"""What people type into the pages of auth, read and checked."""

from enum import Enum

from ates.auth import details
from ates.auth.details import Details
from ates.auth.models import Scope
from ates.auth.queries import PersonRow
from ates.contracts.auth import Role
from ates.kernel.errors import N_, Invalid
from ates.web.forms import Field, Form, choice, line, public_id

CHOOSE_ROLE = N_("Choose a role.")
CHOOSE_SCOPE = N_("Choose what the token may do.")


def typed(*, trim: bool = True) -> Field[str]:
    """Text as it was typed: its rules have sentences of their own."""
    return Field(str, "", trim=trim)


class SignIn(Form):
    """Who it is. No rule is checked here: every wrong answer gets the same sentence (S5)."""

    email = typed()
    password = typed(trim=False)


class Forgot(Form):
    """Where the letter should go."""

    email = typed()

    def check(self) -> None:
        """Raise Invalid for what is no address at all; which ones are known is never told."""
        if not details.is_email(self.email):
            raise Invalid(details.PROBLEM, fields={"email": details.NO_EMAIL})


class NewPassword(Form):
    """A password to set."""

    password = typed(trim=False)


class ChangePassword(Form):
    """The own password, changed by somebody who knows the old one."""

    old_password = typed(trim=False)
    password = typed(trim=False)


class PersonForm(Form):
    """What is written about a person."""

    email = typed()
    name = typed()
    trade = typed()
    locale = typed()

    def details(self) -> Details:
        """Clean. Raises Invalid with a sentence per wrong field."""
        return details.checked(self.email, self.name, self.trade, self.locale)


class NewPerson(PersonForm):
    """A person to register."""

    role = choice(Role, required=CHOOSE_ROLE)

    def check(self) -> None:
        """Raise Invalid naming every wrong field, the role among them."""
        wrong = dict(self.wrong)
        try:
            self.details()
        except Invalid as error:
            wrong = {**error.fields, **wrong}
        if wrong:
            raise Invalid(details.PROBLEM, fields=wrong)


class RoleForm(Form):
    """Another role."""

    role = choice(Role, required=CHOOSE_ROLE)


class Own(Form):
    """What a person settles about themselves."""

    name = typed()
    locale = typed()


class NewToken(Form):
    """An API token to make; what it may be called is the service's to judge."""

    name = typed()
    scope = choice(Scope, required=CHOOSE_SCOPE)


class Earlier(Form):
    """Where a page of tokens begins, in the address."""

    after = public_id()


class EndSession(Form):
    """Which of the own sessions to end."""

    session = line(64, pattern="[0-9a-f]{64}")


class State(Enum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Search(Form):
    """The filter of the list of people, in the address."""

    q = line(100)
    role = choice(Role)
    state = choice(State)
    after = typed()


def of_person(row: PersonRow) -> PersonForm:
    """The form filled with what is known."""
    return PersonForm(
        {"email": row.email, "name": row.name, "trade": row.trade or "", "locale": row.locale}
    )
