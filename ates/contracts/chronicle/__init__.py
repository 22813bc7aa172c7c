"""What happens in a company that is made by bulk: the facts its parts would have told each other.

The same seed, size and moment tell the same story, however long it is, in flat memory.
"""

from ates.contracts.chronicle.facts import Chapter, Draw, Fact, Job, Popug, Press
from ates.contracts.chronicle.story import Chronicle, Size
from ates.contracts.chronicle.texts import (
    SECOND,
    identity,
    identity_text,
    micros,
    moment,
    moment_text,
)

__all__ = [
    "SECOND",
    "Chapter",
    "Chronicle",
    "Draw",
    "Fact",
    "Job",
    "Popug",
    "Press",
    "Size",
    "identity",
    "identity_text",
    "micros",
    "moment",
    "moment_text",
]
