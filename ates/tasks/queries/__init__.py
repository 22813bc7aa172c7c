"""The reads of tasks: plain frozen rows for pages, made before the session closes."""

from ates.tasks.queries.listing import Filter, Found, find, people_called
from ates.tasks.queries.mine import Mine, mine, money_on_its_way, pending_count
from ates.tasks.queries.one import HistoryLine, OneTask, one, row_of
from ates.tasks.queries.programs import (
    Line,
    Name,
    Whole,
    last_runs,
    lines,
    run_of,
    whole,
    wholes,
)
from ates.tasks.queries.rows import RECENT, TaskRow, Who
from ates.tasks.queries.runs import Ask, Receipt, RunRow, ask, receipt

__all__ = [
    "RECENT",
    "Ask",
    "Filter",
    "Found",
    "HistoryLine",
    "Line",
    "Mine",
    "Name",
    "OneTask",
    "Receipt",
    "RunRow",
    "TaskRow",
    "Who",
    "Whole",
    "ask",
    "find",
    "last_runs",
    "lines",
    "mine",
    "money_on_its_way",
    "one",
    "pending_count",
    "people_called",
    "receipt",
    "row_of",
    "run_of",
    "whole",
    "wholes",
]
