"""The sums of one batch of ledger events: pure, without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ates.contracts.accounting import (
    Card,
    DayClosed,
    DayOpened,
    DayPaid,
    EntriesPosted,
    PostedEntry,
    TasksPriced,
)
from ates.kernel.errors import Hopeless

RECENT = 3  # days: today, yesterday, and tomorrow, which is opened an hour before it begins

LedgerEvent = DayOpened | TasksPriced | EntriesPosted | DayClosed | DayPaid
Row = dict[str, Any]


@dataclass
class Sums:
    """The sums of one batch in memory: days as they become, everything else as what to add.

    `days` holds those the batch names and the newest there are.
    """

    days: dict[date, Row]
    key_version: int
    entry_no: int
    opened: bool = False
    people: dict[UUID, Row] = field(default_factory=dict)
    person_days: dict[tuple[date, UUID], Row] = field(default_factory=dict)
    minutes: dict[tuple[date, datetime], Row] = field(default_factory=dict)
    moments: dict[tuple[date, datetime], Row] = field(default_factory=dict)
    rewards: dict[tuple[date, int], Row] = field(default_factory=dict)
    tasks: dict[UUID, Row] = field(default_factory=dict)

    @property
    def recent_from(self) -> date:
        """The first day of which minutes are kept; it only moves forward, as days do."""
        newest = sorted(self.days)[-RECENT:]
        return newest[0] if newest else date.min

    def forget(self) -> None:
        """What was to be added is written; the days and the place in the ledger stay."""
        self.opened = False
        for each in (
            self.people, self.person_days, self.minutes, self.moments, self.rewards, self.tasks
        ):  # fmt: skip
            each.clear()

    def add(self, event: LedgerEvent) -> None:
        """Add the next event. Raises Hopeless if it is not the next, or if its totals differ."""
        if event.key_version != self.key_version + 1:
            raise Hopeless(f"event {event.key_version} of the ledger came after {self.key_version}")
        match event:
            case DayOpened():
                self._open(event)
            case EntriesPosted():
                self._post(event)
            case DayClosed():
                self._close(event)
            case DayPaid():
                self._pay(event)
            case TasksPriced():
                pass  # heard for its number: prices reach analytics as rewards
        self.key_version = event.key_version

    def _open(self, event: DayOpened) -> None:
        if event.business_date in self.days:
            raise Hopeless(f"the day {event.business_date} is opened twice")
        self.opened = True
        sums = ("fee_cents", "reward_cents", "adjustment_cents", "payout_cents")
        self.days[event.business_date] = {
            "business_date": event.business_date,
            "starts_at": event.starts_at,
            "ends_at": event.ends_at,
            **dict.fromkeys((*sums, "entries", "payouts"), 0),
            "state": "open",
            **dict.fromkeys(("below_zero", "lost", "closed_by", "paid_by")),
        }

    def _post(self, event: EntriesPosted) -> None:
        for entry in event.entries:
            self._entry(entry)
        for card in event.cards:
            if card.task_id in self.tasks:
                self.tasks[card.task_id].update(_called(card))

    def _entry(self, entry: PostedEntry) -> None:
        if entry.entry_no != self.entry_no + 1:
            raise Hopeless(f"entry {entry.entry_no} came after {self.entry_no}")
        self.entry_no = entry.entry_no
        day = self._day(entry.business_date)
        day[f"{entry.kind}_cents"] += entry.amount_cents
        day["entries"] += 1
        day["payouts"] += entry.kind == "payout"
        person = self.people.setdefault(entry.person_id, person_row(entry.person_id))
        person["balance_cents"] += entry.amount_cents
        person["entries"] += 1
        self._person_day(entry)
        if entry.kind in ("fee", "reward"):
            self._moment(entry)
        if entry.kind == "reward":
            self._reward(entry)

    def _person_day(self, entry: PostedEntry) -> None:
        sums = self.person_days.setdefault(
            (entry.business_date, entry.person_id),
            {
                "business_date": entry.business_date,
                "person_id": entry.person_id,
                "earned_cents": 0,
                "net_cents": 0,
            },
        )
        sums["net_cents"] += entry.amount_cents
        if entry.kind in ("fee", "reward"):
            sums["earned_cents"] += entry.amount_cents

    def _moment(self, entry: PostedEntry) -> None:
        day, at = entry.business_date, entry.occurred_at
        began = at.replace(second=0, microsecond=0)
        for sums, name, when in (
            (self.minutes, "began_at", began),
            (self.moments, "occurred_at", at),
        ):
            empty = {"business_date": day, name: when, "earned_cents": 0}
            sums.setdefault((day, when), empty)["earned_cents"] += entry.amount_cents

    def _reward(self, entry: PostedEntry) -> None:
        """A completion belongs to the day it happened, also when it counts in a later one (R20)."""
        self.tasks[entry.source_id] = _task(entry)
        key = entry.occurred_on, entry.amount_cents
        first = {
            "first_task_id": entry.source_id,
            "first_person_id": entry.person_id,
            "first_completed_at": entry.occurred_at,
        }
        known = self.rewards.get(key)
        if known is None:
            named = {"completed_on": key[0], "reward_cents": key[1]}
            self.rewards[key] = {**named, "tasks": 1, **first}
            return
        known["tasks"] += 1
        if (entry.occurred_at, entry.source_id) < _place(known):
            known.update(first)

    def _close(self, event: DayClosed) -> None:
        day = self._day(event.business_date)
        _compare(
            f"the close of {event.business_date}",
            said=(event.fee_cents, event.reward_cents, event.adjustment_cents, event.entries),
            counted=closing_sums(day),
        )
        day.update(state="closed", below_zero=event.below_zero, closed_by=event.key_version)

    def _pay(self, event: DayPaid) -> None:
        day = self._day(event.business_date)
        _compare(
            f"the payout of {event.business_date}",
            said=(event.payouts, event.payout_cents),
            counted=paying_sums(day),
        )
        day.update(state="paid", paid_by=event.key_version)

    def _day(self, business_date: date) -> Row:
        try:
            return self.days[business_date]
        except KeyError:
            raise Hopeless(f"the day {business_date} was never opened") from None


def closing_sums(day: Mapping[str, Any]) -> tuple[int, ...]:
    """What DayClosed states: fees, rewards, adjustments, entries; payouts come after the close."""
    return (
        day["fee_cents"],
        day["reward_cents"],
        day["adjustment_cents"],
        day["entries"] - day["payouts"],
    )


def paying_sums(day: Mapping[str, Any]) -> tuple[int, ...]:
    """What DayPaid states: how many payouts and their sum, positive."""
    return day["payouts"], -day["payout_cents"]


def _compare(what: str, *, said: tuple[int, ...], counted: tuple[int, ...]) -> None:
    if said != counted:
        raise Hopeless(f"{what} says {said}, counted were {counted}")


def person_row(person_id: UUID, *, name: str | None = None, version: int = 0) -> Row:
    return {
        "person_id": person_id,
        "name": name,
        "version": version,
        "balance_cents": 0,
        "entries": 0,
    }


def _place(row: Row) -> tuple[datetime, UUID]:
    return row["first_completed_at"], row["first_task_id"]


def _task(entry: PostedEntry) -> Row:
    return {
        "task_id": entry.source_id,
        "person_id": entry.person_id,
        "reward_cents": entry.amount_cents,
        "completed_on": entry.occurred_on,
        "completed_at": entry.occurred_at,
        **dict.fromkeys(("number", "title", "jira_id")),
    }


def _called(card: Card) -> Row:
    return {"number": card.number, "title": card.title, "jira_id": card.jira_id}
