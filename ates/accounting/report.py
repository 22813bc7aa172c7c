"""What a payout run did or would do: for the command, for `--json`, for the row of the run."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.balances import Standing, as_of
from ates.accounting.models import BusinessDay, PayoutLetter
from ates.kernel.mail import LetterState

DONE, ERROR, WAITS = 0, 1, 3  # exit codes


@dataclass(frozen=True)
class Wait:
    """A day that cannot be closed yet for events on their way, or be paid for a hold."""

    day: date
    events: int = 0
    oldest: datetime | None = None
    hold: UUID | None = None  # the one to release
    of: Literal["day", "everything"] | None = None  # what is held
    reason: str | None = None


@dataclass(frozen=True)
class Jump:
    """So many days with entries would be closed at once: the clock may be wrong."""

    days: int
    first: date
    last: date

    def __str__(self) -> str:
        return (
            f"{self.days} days with entries would be closed at once, {self.first} to {self.last};"
            f" if the clock is right, say --catch-up {self.days}. Nothing closed, nothing paid"
        )


@dataclass(frozen=True)
class DayReport:
    """A day that was paid."""

    day: date
    standing: Standing
    letters: int
    without_address: int


@dataclass(frozen=True)
class DayPlan:
    """A day that would be paid."""

    day: date
    state: str  # now
    standing: Standing


@dataclass
class Report:
    """One run."""

    at: datetime
    dry: bool = False
    closed: list[date] = field(default_factory=list)
    days: list[DayReport] = field(default_factory=list)
    plan: list[DayPlan] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    parked: int = 0
    unanchored: str | None = None  # why seals did not leave the house
    differences: list[str] = field(default_factory=list)
    jump: Jump | None = None
    error: str | None = None

    @property
    def exit_code(self) -> int:
        """1 error, 3 something waits, 0 nothing is left."""
        if self.error is not None:
            return ERROR
        return WAITS if self.waits or self.parked or self.unanchored else DONE

    @property
    def silent(self) -> bool:
        """Whether there was nothing to do: cron must not write a letter about it."""
        return not (self.closed or self.days or self.exit_code)

    def as_json(self) -> dict[str, Any]:
        """Plain values, amounts in integer cents."""
        return {
            "at": self.at.isoformat(),
            "dry_run": self.dry,
            "exit_code": self.exit_code,
            "closed": [str(day) for day in self.closed],
            "days": [
                {
                    "day": str(each.day),
                    **_figures(each.standing),
                    "letters": each.letters,
                    "without_address": each.without_address,
                }
                for each in self.days
            ],
            "plan": [
                {"day": str(each.day), "state": each.state, **_figures(each.standing)}
                for each in self.plan
            ],
            "waits": [
                {
                    "day": str(each.day),
                    "events": each.events,
                    "oldest": each.oldest.isoformat() if each.oldest else None,
                    "hold": str(each.hold) if each.hold else None,
                    "of": each.of,
                    "reason": each.reason,
                }
                for each in self.waits
            ],
            "parked": self.parked,
            "unanchored": self.unanchored,
            "error": self.error,
            "differences": self.differences,
        }


def _figures(standing: Standing) -> dict[str, int]:
    return {
        "people": standing.people,
        "payout_cents": standing.cents,
        "carried_people": standing.carried_people,
        "carried_cents": standing.carried_cents,
        "held_people": standing.held_people,
        "held_cents": standing.held_cents,
    }


def standing_of(session: Session, day: date, held: frozenset[int]) -> Standing:
    """Where everybody stands at the end of a day, these accounts being held."""
    standing = Standing()
    for account, _, cents in session.execute(as_of(day)):
        standing.add(cents, held=account in held)
    return standing


def day_reports(session: Session, day: date, since: datetime) -> list[DayReport]:
    """The day as it is paid now; nothing if it was not paid since then."""
    row = session.execute(
        select(BusinessDay.payouts, BusinessDay.payout_cents).where(
            BusinessDay.business_date == day, BusinessDay.paid_at >= since
        )
    ).one_or_none()
    if row is None:
        return []
    waiting = session.scalar(
        select(func.count()).where(
            PayoutLetter.business_date == day, PayoutLetter.state == LetterState.WAITING_ADDRESS
        )
    )
    left = standing_of(session, day, frozenset())
    carried = left.carried_people, left.carried_cents
    # Whoever is still owed something was held then, even if not any more.
    standing = Standing(row.payouts, row.payout_cents, *carried, left.people, left.cents)
    return [DayReport(day, standing, letters=row.payouts, without_address=waiting or 0)]
