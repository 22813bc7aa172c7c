"""Events of some days that a consumer has not handled, by type and day: what explains a gap."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from ates.kernel.tables import consumer as consumers
from ates.kernel.tables import event_log, outbox, parked
from ates.kernel.tally import Span

SPANS = 100  # days of one statement

WAITING = "waiting"  # they will come by themselves
ASIDE = "aside"  # parked or held: they wait for a repair
SKIPPED = "skipped"  # left out for ever by somebody's decision

Gap = tuple[date, str, str]  # day, type, and which of the three


def underway(
    session: Session, consumer: str, types: Collection[str], spans: Sequence[Span]
) -> dict[Gap, int]:
    """How many events of these types happened on each of these days and have no effect yet.

    The days adjoin, oldest first. One statement per hundred of them, over what is staged, unread
    or parked: never over what is handled.
    """
    found: dict[Gap, int] = {}
    for first in range(0, len(spans), SPANS):
        some = spans[first : first + SPANS]
        each = _events(consumer, sorted(types), some)
        of = (each.c.place, each.c.type, each.c.state)
        for place, type_, state, events in session.execute(select(*of, func.count()).group_by(*of)):
            found[some[place].day, type_, state] = events
    return found


def streams(session: Session, consumer: str, type_: str, span: Span) -> set[str]:
    """The keys of the events of one type and day that have no effect yet."""
    return set(session.scalars(select(_events(consumer, [type_], [span]).c.key)))


def _events(consumer: str, types: Sequence[str], spans: Sequence[Span]) -> Subquery:
    staged = case((outbox.c.held.is_(None), WAITING), else_=ASIDE)
    unread = and_(
        consumers.c.log == event_log.c.log,
        consumers.c.name == consumer,
        event_log.c.position > consumers.c.position,
    )
    same = and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position)
    given_up = case((parked.c.status == "skipped", SKIPPED), else_=ASIDE)
    return union_all(
        _of(outbox, types, spans, staged).select_from(outbox),
        _of(event_log, types, spans, literal(WAITING)).select_from(
            event_log.join(consumers, unread)
        ),
        _of(event_log, types, spans, given_up)
        .select_from(parked.join(event_log, same))
        .where(parked.c.consumer == consumer),
    ).subquery()


def _of(
    events: Any, types: Sequence[str], spans: Sequence[Span], state: ColumnElement[str]
) -> Select[*tuple[Any, ...]]:
    """The days adjoin, so that the first end after a moment is its day's."""
    at = events.c.occurred_at
    place = case(*((at < span.ends_at, number) for number, span in enumerate(spans)))
    return select(place.label("place"), events.c.type, state.label("state"), events.c.key).where(
        events.c.type.in_(types), at >= spans[0].starts_at, at < spans[-1].ends_at
    )
