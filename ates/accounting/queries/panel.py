"""What of each day wants a look: late entries, events set aside, letters not sent, holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from ates.accounting.anomalies import ME, NOT_SENT, TROUBLED
from ates.accounting.holds import ACTIVE, OF_ALL
from ates.accounting.models import BusinessDay, Entry, Hold, PayoutLetter
from ates.accounting.queries.days import DayFigures
from ates.kernel.mail import LetterState
from ates.kernel.tables import event_log, parked

ALL = "all"  # payouts and letters are held


@dataclass(frozen=True)
class Trouble:
    """What sums and small indexes know of one day at once, whatever its size."""

    late: int = 0
    aside: int = 0  # events set aside that nobody has repaired or given up
    unsent: Mapping[str, int] = field(default_factory=dict)  # letters by state, but *sent*
    holds: int = 0  # of the day, active

    def letters(self, figures: DayFigures) -> dict[str, int]:
        """All letters of the day by state: each payout has one."""
        sent = figures.payout.entries - sum(self.unsent.values())
        return ({str(LetterState.SENT): sent} if sent > 0 else {}) | dict(self.unsent)

    def count(self, figures: DayFigures) -> int:
        """How many anomalies these are; letters on their way are none."""
        troubled = sum(self.unsent.get(state, 0) for state in TROUBLED)
        return self.late + self.aside + troubled + self.holds + figures.adjustment.entries


@dataclass(frozen=True)
class Panel:
    """The troubles of some days, how many accounts are held, and whether everything is."""

    days: Mapping[date, Trouble]
    accounts_held: int = 0
    all_held: bool = False

    def of(self, day: date) -> Trouble:
        return self.days.get(day, Trouble())


def panel(session: Session, days: "list[DayFigures] | tuple[DayFigures, ...]") -> Panel:
    """Of these days, in one statement; each part of it is served by an index of its own."""
    if not days:
        return Panel({})
    first, last = min(each.day for each in days), max(each.day for each in days)
    rows = session.execute(
        union_all(_late(first, last), _letters(first, last), _aside(first, last), _holds())
    )
    made: dict[date, dict[str, Any]] = {}
    accounts_held, all_held = 0, False
    for what, day, state, count in rows:
        if what == ALL:
            all_held = True
        elif day is None:
            accounts_held = count
        elif what == "letter":
            made.setdefault(day, {}).setdefault("unsent", {})[state] = count
        else:
            made.setdefault(day, {})[what] = count
    troubles = {day: Trouble(**counts) for day, counts in made.items()}
    return Panel(troubles, accounts_held, all_held)


# --- how -----------------------------------------------------------------------------------------


def _late(first: date, last: date) -> Select[*tuple[Any, ...]]:
    day = Entry.business_date
    return (
        select(literal("late").label("what"), day, literal("").label("state"), func.count())
        .where(Entry.occurred_on < day, day.between(first, last))
        .group_by(day)
    )


def _letters(first: date, last: date) -> Select[*tuple[Any, ...]]:
    day = PayoutLetter.business_date
    return (
        select(literal("letter"), day, PayoutLetter.state, func.count())
        .where(NOT_SENT, day.between(first, last))
        .group_by(day, PayoutLetter.state)
    )


def _aside(first: date, last: date) -> Select[*tuple[Any, ...]]:
    """From the parked events, which are few, to the days they happened on."""
    same = and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position)
    moment = event_log.c.occurred_at
    on = and_(BusinessDay.starts_at <= moment, BusinessDay.ends_at > moment)
    day = BusinessDay.business_date
    return (
        select(literal("aside"), day, literal(""), func.count())
        .select_from(parked.join(event_log, same).join(BusinessDay, on))
        .where(parked.c.consumer == ME, parked.c.status != "skipped", day.between(first, last))
        .group_by(day)
    )


def _holds() -> Select[*tuple[Any, ...]]:
    """Of days and, without a day, of accounts and of everything."""
    day, what = Hold.business_date, case((OF_ALL, ALL), else_="holds")
    return select(what, day, literal(""), func.count()).where(ACTIVE).group_by(day, what)
