"""What may be written about a person: e-mail, name, trade, language."""

import re
import unicodedata
from dataclasses import dataclass

from ates.kernel.errors import N_, Invalid

LOCALES = ("en", "ru")
EMAIL_LENGTH = 254
NAME_LENGTH = 100
TRADE_LENGTH = 50
TOKEN_LENGTH = 50

# One plain address and nothing else: no list, no display name, no quoting (S14).
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@){_LOCAL}@{_LABEL}(?:\.{_LABEL})*")

_JOINERS = "\u200c\u200d"  # needed inside words of some scripts
# Characters nobody knows yet (Cn) are let in: another year's Unicode will know them.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

# The same as regular expressions, for the description of the API (a test compares them).
_NO = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ue000-\uf8ff\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
_SPACES = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, [0x20, *range(0x2000, 0x200B)]))
_BLANK = r" \u00a0\u1680\u2000-\u200a\u200c\u200d\u202f\u205f\u3000"
NOT_UNSEEN = f"^[^{_NO}]*$"
SEEN = f"^[^{_NO}]*[^{_NO}{_BLANK}][^{_NO}]*$"

PROBLEM = N_("There is a problem")
NO_EMAIL = N_("Write one e-mail address, like polly@example.com.")
NO_NAME = N_("Write the name.")
LONG_NAME = N_("Keep the name within 100 characters.")
LONG_TRADE = N_("Keep the trade within 50 characters.")
UNSEEN = N_("Take out the invisible characters.")
NO_TOKEN_NAME = N_("Say what the token is for.")
LONG_TOKEN_NAME = N_("Keep it within 50 characters.")
NO_LOCALE = N_("Choose one of the list.")


@dataclass(frozen=True)
class Details:
    """What is written about a person, checked and clean."""

    email: str
    name: str
    trade: str | None
    locale: str


def checked(email: str, name: str, trade: str | None = None, locale: str = "en") -> Details:
    """What was typed, trimmed and NFC. Raises Invalid with the sentence of each wrong field."""
    email, name, trade = email.strip(), _clean(name), _clean(trade or "") or None
    wrong: dict[str, str] = {}
    if not is_email(email):
        wrong["email"] = NO_EMAIL
    if not name:
        wrong["name"] = NO_NAME
    elif problem := _problem(name, NAME_LENGTH, LONG_NAME):
        wrong["name"] = problem
    if trade and (problem := _problem(trade, TRADE_LENGTH, LONG_TRADE)):
        wrong["trade"] = problem
    if locale not in LOCALES:
        wrong["locale"] = NO_LOCALE
    if wrong:
        raise Invalid(PROBLEM, fields=wrong)
    return Details(email, name, trade, locale)


def token_name(name: str) -> str:
    """What a person calls a token, trimmed and NFC. Raises Invalid for the field `name`."""
    name = _clean(name)
    problem = _problem(name, TOKEN_LENGTH, LONG_TOKEN_NAME) if name else NO_TOKEN_NAME
    if problem:
        raise Invalid(PROBLEM, fields={"name": problem})
    return name


def is_email(text: str) -> bool:
    """Whether it is one plain address (S14); whether it exists, only a letter can tell."""
    return len(text) <= EMAIL_LENGTH and _EMAIL.fullmatch(text) is not None


def folded(text: str) -> str:
    """The form in which e-mails and names are compared: NFC, trimmed, case-folded."""
    return unicodedata.normalize("NFC", text.strip().casefold())


def _clean(text: str) -> str:
    """Trimmed and NFC; empty when there is nothing in it that could be seen."""
    text = unicodedata.normalize("NFC", text).strip(_SPACES)
    return "" if all(each.isspace() or each in _JOINERS for each in text) else text


def _problem(text: str, longest: int, too_long: str) -> str | None:
    if any(unicodedata.category(each) in _UNSEEN and each not in _JOINERS for each in text):
        return UNSEEN
    return too_long if len(text) > longest else None
