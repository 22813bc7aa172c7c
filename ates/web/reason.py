"""Why something is done: the field in which people write it, for the record."""

from ates.kernel.errors import N_
from ates.web.forms import Field, Wrong, text

SHORTEST, LONGEST = 10, 500
SENTENCE = N_("Write the reason in 10 to 500 characters.")


def reason() -> Field[str]:
    """10 to 500 characters, line breaks among them."""
    plain = text(LONGEST)

    def read(typed: str) -> str:
        if len(typed) < SHORTEST:
            raise Wrong(SENTENCE)
        return plain.read(typed)

    return Field(read, "", SENTENCE)
