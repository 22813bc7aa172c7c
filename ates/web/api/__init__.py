"""The JSON API's shell: declared operations, bodies read before anything else, problems, cursors.

A part writes `api = Api("tasks")` in its `api.py`, declares operations on it and names it in its
manifest. What is declared is what is checked and what `/api/v1/openapi.json` says.
"""

from ates.web.api.cursors import Cursor, Listed, Page
from ates.web.api.once import once
from ates.web.api.operations import Answer, Api
from ates.web.api.words import (
    CentsAmount,
    Count,
    Instant,
    Line,
    Me,
    Somebody,
    TaskName,
    example,
    line,
    person_of,
)

__all__ = [
    "Answer",
    "Api",
    "CentsAmount",
    "Count",
    "Cursor",
    "Instant",
    "Line",
    "Listed",
    "Me",
    "Page",
    "Somebody",
    "TaskName",
    "example",
    "line",
    "once",
    "person_of",
]
