"""How many tasks were given and completed on each day: tasks' side of the reconciliation.

Tasks knows no business days: it counts between the moments it is given.
"""

from collections.abc import Generator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, union_all
from sqlalchemy.orm import Session

from ates.kernel.errors import N_
from ates.kernel.tally import ByDay, Fact, Figure, Span
from ates.tasks.models import Assignment, Task

SPANS = 100  # days of one statement
AT_ONCE = 1_000

MOMENTS = {Figure.ASSIGNMENTS: Assignment.at, Figure.COMPLETIONS: Task.completed_at}


def count(session: Session, spans: Sequence[Span], _rows: bool) -> ByDay:
    """Every figure is counted from its rows, of which an index has the moments in order."""
    found: dict[date, dict[Figure, int]] = {span.day: {} for span in spans}
    for first in range(0, len(spans), SPANS):
        some = spans[first : first + SPANS]
        questions = [
            select(literal(place), literal(str(figure)), func.count()).where(_during(at, span))
            for place, span in enumerate(some)
            for figure, at in MOMENTS.items()
        ]
        for place, figure, rows in session.execute(union_all(*questions)):
            found[some[place].day][Figure(figure)] = rows
    return found


def facts(session: Session, span: Span, figure: Figure) -> Generator[Fact, None, None]:
    """Assignments or completions of one day, by task and number of the assignment."""
    question = _assignments(span) if figure is Figure.ASSIGNMENTS else _completions(span)
    with session.execute(question.execution_options(yield_per=AT_ONCE)) as rows:
        for row in rows:
            yield _fact(row)


def _during(at: Any, span: Span) -> Any:
    return and_(at >= span.starts_at, at < span.ends_at)


def _assignments(span: Span) -> Select[*tuple[Any, ...]]:
    return (
        select(Assignment.task_id, Assignment.number.label("draw"), Task.number)
        .join(Task, Task.id == Assignment.task_id)
        .where(_during(Assignment.at, span))
        .order_by(Assignment.task_id, Assignment.number)
    )


def _completions(span: Span) -> Select[*tuple[Any, ...]]:
    return (
        select(Task.id.label("task_id"), literal(0).label("draw"), Task.number)
        .where(_during(Task.completed_at, span))
        .order_by(Task.id)
    )


def _fact(row: Any) -> Fact:
    number = str(row.number)
    sentence = N_("No %(number)s, assignment %(draw)s") if row.draw else N_("No %(number)s")
    return Fact(
        source=(row.task_id, row.draw),
        sentence=sentence,
        values={"number": number, "draw": str(row.draw)},
        endpoint="tasks.one",
        where={"number": row.number},
    )
