"""What a payout run did or would do: for the command, for `--json`, for the row of the run."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ates.accounting.balances import Standing

DONE, ERROR, WAITS = 0, 1, 3  # exit codes


@dataclass(frozen=True)
class Wait:
    """A day that cannot be closed yet."""

    day: date
    events: int
    oldest: datetime | None


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
    differences: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def exit_code(self) -> int:
        """1 error, 3 something waits, 0 nothing is left."""
        if self.error is not None:
            return ERROR
        return WAITS if self.waits or self.parked else DONE

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
                }
                for each in self.waits
            ],
            "parked": self.parked,
            "error": self.error,
            "differences": self.differences,
        }


def _figures(standing: Standing) -> dict[str, int]:
    return {
        "people": standing.people,
        "payout_cents": standing.cents,
        "carried_people": standing.carried_people,
        "carried_cents": standing.carried_cents,
    }
