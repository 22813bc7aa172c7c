"""What is out of the ordinary in one day: nothing of it is wrong by itself, all wants a look.

Each kind is shown with its first hundred.
"""

from ates.accounting.anomalies.beside import (
    ME,
    NOT_SENT,
    TROUBLED,
    Aside,
    Held,
    Unsure,
    aside,
    holds,
    letters,
)
from ates.accounting.anomalies.entries import KINDS, SHOWN, Extent, Found, entries

__all__ = [
    "KINDS",
    "ME",
    "NOT_SENT",
    "SHOWN",
    "TROUBLED",
    "Aside",
    "Extent",
    "Found",
    "Held",
    "Unsure",
    "aside",
    "entries",
    "holds",
    "letters",
]
