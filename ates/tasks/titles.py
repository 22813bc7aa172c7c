"""What a task may be called (R9), the split that is offered, and the words the search looks up."""

import re
import unicodedata
from dataclasses import dataclass

from ates.contracts.tasks import JIRA_ID, split_title, without_brackets
from ates.kernel.errors import N_, Invalid

TITLE_LENGTH = 200
DESCRIPTION_LENGTH = 10_000

_JIRA = re.compile(JIRA_ID, re.IGNORECASE | re.ASCII)
_BRACKETS = re.compile(r"[\[\]]")
_WORD = re.compile(r"\w+")
# Control characters, surrogates and separators of lines have no place in one line; of the
# invisible format characters only the joiners do, which emoji and some alphabets are written with.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
_REFUSED_IN_TEXT = frozenset({"Cc", "Cs"})
_LINES = frozenset("\n\t")

# The same rules as regular expressions, for the description of the API; a test compares them.
_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b\u200e-\u200f"
    r"\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f"
)
_IN_TITLE = rf"[^\[\]{_UNSEEN}]*"
_ID = r"[A-Za-z][A-Za-z0-9]{0,19}-[1-9][0-9]{0,8}"
TITLE_PATTERN = (
    rf"^(?!\s*{_ID}(\s+[-—–]|:)\s+\S){_IN_TITLE}[^\s\u200c\u200d\[\]{_UNSEEN}]{_IN_TITLE}$"
)
JIRA_PATTERN = rf"^\s*({_ID})?\s*$"
DESCRIPTION_PATTERN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"

PROBLEM = N_("There is a problem")
EMPTY = N_("Write what has to be done")
TOO_LONG = N_("Keep the title within 200 characters; it has %(length)s")
UNSEEN = N_("The title has characters that cannot be seen: %(codes)s")
BRACKETS = N_("The Jira id has its own field. Check and press again.")
NO_JIRA_ID = N_("A Jira id looks like POPUG-123")
TOO_MUCH = N_("Keep the description within 10,000 characters")
UNSEEN_TEXT = N_("The description has characters that cannot be seen: %(codes)s")


@dataclass(frozen=True)
class Wording:
    """A checked title, Jira id and description: what a task may be created with."""

    title: str
    jira_id: str | None = None
    description: str | None = None


class SplitOffered(Invalid):
    """The title has the Jira id in it: here are both parts, to be looked at and sent again."""

    def __init__(self, title: str, jira_id: str) -> None:
        super().__init__(BRACKETS, fields={"title": BRACKETS})
        self.title, self.jira_id = title, jira_id


def checked(title: str, jira_id: str = "", description: str = "") -> Wording:
    """What was typed, cleaned: NFC, trimmed, the id in capitals, empty fields None.

    Raises SplitOffered for a title with brackets or with an id in front (one that has its field
    filled already keeps such a front), Invalid with the sentence of each field that does not fit.
    """
    title = unicodedata.normalize("NFC", title).strip()
    jira_id = jira_id.strip()
    text = (
        unicodedata.normalize("NFC", description).replace("\r\n", "\n").replace("\r", "\n").strip()
    )
    fields: dict[str, str] = {}
    values: dict[str, object] = {}
    _check_title(title, fields, values)
    if jira_id and not _JIRA.fullmatch(jira_id):
        fields["jira_id"] = NO_JIRA_ID
    _check_description(text, fields, values)
    if fields:
        raise Invalid(PROBLEM, fields=fields, **values)
    _offer_split(title, jira_id)
    return Wording(title, jira_id.upper() or None, text or None)


def repaired(title: str, jira_id: str | None) -> tuple[str, str | None]:
    """Title and id of a row that was written before R9: split once, brackets made round."""
    if jira_id is None:
        jira_id, title = split_title(title)
    return without_brackets(title), jira_id


def words(title: str) -> list[str]:
    """The words of a title or a query, case-folded, `ё` as `е`, each once."""
    return list(dict.fromkeys(_WORD.findall(folded(title))))


def folded(text: str) -> str:
    """For comparing without case, the same on both databases and in both alphabets."""
    return unicodedata.normalize("NFC", text).casefold().replace("ё", "е")


def _check_title(title: str, fields: dict[str, str], values: dict[str, object]) -> None:
    unseen = [
        each for each in title if unicodedata.category(each) in _REFUSED and each not in _JOINERS
    ]
    if all(each.isspace() or each in _JOINERS or each in unseen for each in title):
        fields["title"] = EMPTY
    elif unseen:
        fields["title"], values["codes"] = UNSEEN, _codes(unseen)
    elif len(title) > TITLE_LENGTH:
        fields["title"], values["length"] = TOO_LONG, len(title)


def _check_description(text: str, fields: dict[str, str], values: dict[str, object]) -> None:
    unseen = [
        each
        for each in text
        if unicodedata.category(each) in _REFUSED_IN_TEXT and each not in _LINES
    ]
    if len(text) > DESCRIPTION_LENGTH:
        fields["description"] = TOO_MUCH
    elif unseen:
        fields["description"], values["codes"] = UNSEEN_TEXT, _codes(unseen)


def _codes(characters: list[str]) -> str:
    return ", ".join(f"U+{ord(each):04X}" for each in dict.fromkeys(characters[:5]))


def _offer_split(title: str, jira_id: str) -> None:
    found, rest = split_title(title)
    if found is not None and jira_id.upper() in ("", found):
        raise SplitOffered(without_brackets(rest), found)
    if _BRACKETS.search(title):
        raise SplitOffered(without_brackets(title), jira_id)
