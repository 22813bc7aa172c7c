"""Every table of analytics again, from the list of entries and in the plainest way."""

from collections import defaultdict
from datetime import date
from typing import Any
from uuid import UUID

from ates.contracts.accounting import DayClosed, DayOpened, DayPaid, EntriesPosted, PostedEntry
from ates.kernel.events import meta_of
from tests.analytics.make import Ledger

Tables = dict[str, list[dict[str, Any]]]


def recount(ledger: Ledger) -> Tables:
    """What each table must hold, without generations and without names of people."""
    entries = ledger.entries
    opened = [each for each in ledger.events if isinstance(each, DayOpened)]
    recent = sorted(each.business_date for each in opened)[-3:]
    earned = [each for each in entries if each.kind in ("fee", "reward")]
    return {
        "head": _head(ledger),
        "day": [_day(ledger, each) for each in opened],
        "person": [
            {"person_id": who, "balance_cents": _sum(mine), "entries": len(mine)}
            for who, mine in _by(entries, lambda each: each.person_id)
        ],
        "person_day": [
            {
                "business_date": key[0],
                "person_id": key[1],
                "earned_cents": _sum(each for each in mine if each in earned),
                "net_cents": _sum(mine),
            }
            for key, mine in _by(entries, lambda each: (each.business_date, each.person_id))
        ],
        "day_below": _below(ledger),
        "minute": [
            {"business_date": key[0], "began_at": key[1], "earned_cents": _sum(mine)}
            for key, mine in _by(earned, lambda e: (e.business_date, _minute(e)))
            if key[0] in recent
        ],
        "moment": [
            {"business_date": key[0], "occurred_at": key[1], "earned_cents": _sum(mine)}
            for key, mine in _by(earned, lambda e: (e.business_date, e.occurred_at))
            if key[0] in recent
        ],
        "day_reward": [
            _reward(mine)
            for _, mine in _by(_rewards(entries), lambda e: (e.occurred_on, _cents(e)))
        ],
        "task": [_task(each, ledger) for each in _rewards(entries)],
    }


def _head(ledger: Ledger) -> list[dict[str, Any]]:
    if not ledger.events:
        return []
    last = meta_of(ledger.events[-1]).occurred_at
    return [{"key_version": ledger.said, "entry_no": len(ledger.entries), "posted_at": last}]


def _day(ledger: Ledger, opened: DayOpened) -> dict[str, Any]:
    day = opened.business_date
    mine = [each for each in ledger.entries if each.business_date == day]
    closed: DayClosed | None = None
    paid: DayPaid | None = None
    for each in ledger.events:
        if isinstance(each, DayClosed) and each.business_date == day:
            closed = each
        if isinstance(each, DayPaid) and each.business_date == day:
            paid = each
    kinds = ("fee", "reward", "adjustment", "payout")
    return {
        "business_date": day,
        "starts_at": opened.starts_at,
        "ends_at": opened.ends_at,
        **{f"{kind}_cents": ledger.sum(day, kind) for kind in kinds},
        "entries": len(mine),
        "payouts": len([each for each in mine if each.kind == "payout"]),
        "state": "paid" if paid else "closed" if closed else "open",
        "below_zero": closed.below_zero if closed else None,
        "lost": _lost(mine) if closed else None,
        "closed_by": closed.key_version if closed else None,
        "paid_by": paid.key_version if paid else None,
    }


def _lost(entries: list[PostedEntry]) -> int:
    earned = [each for each in entries if each.kind in ("fee", "reward")]
    return len([who for who, mine in _by(earned, lambda each: each.person_id) if _sum(mine) < 0])


def _below(ledger: Ledger) -> list[dict[str, Any]]:
    """As `Ledger.below` counts, in the ledger as it was when each day was closed."""
    then, found = Ledger(), []
    for each in ledger.events:
        if isinstance(each, DayClosed):
            found += [
                {"business_date": each.business_date, "person_id": who, "balance_cents": cents}
                for who, cents in then.below(each.business_date).items()
            ]
        if isinstance(each, EntriesPosted):
            then.entries += each.entries
        then.events.append(each)
    return found


def _reward(mine: list[PostedEntry]) -> dict[str, Any]:
    first = min(mine, key=lambda each: (each.occurred_at, each.source_id))
    return {
        "completed_on": first.occurred_on,
        "reward_cents": first.amount_cents,
        "tasks": len(mine),
        "first_task_id": first.source_id,
        "first_person_id": first.person_id,
        "first_completed_at": first.occurred_at,
    }


def _task(entry: PostedEntry, ledger: Ledger) -> dict[str, Any]:
    cards = {
        card.task_id: card
        for each in ledger.events
        if isinstance(each, EntriesPosted)
        for card in each.cards
    }
    card = cards.get(entry.source_id)
    return {
        "task_id": entry.source_id,
        "person_id": entry.person_id,
        "reward_cents": entry.amount_cents,
        "completed_on": entry.occurred_on,
        "completed_at": entry.occurred_at,
        "number": card.number if card else None,
        "title": card.title if card else None,
        "jira_id": card.jira_id if card else None,
    }


def _rewards(entries: list[PostedEntry]) -> list[PostedEntry]:
    return [each for each in entries if each.kind == "reward"]


def _minute(entry: PostedEntry) -> Any:
    return entry.occurred_at.replace(second=0, microsecond=0)


def _cents(entry: PostedEntry) -> int:
    return entry.amount_cents


def _sum(entries: Any) -> int:
    return sum(each.amount_cents for each in entries)


def _by(entries: list[PostedEntry], key: Any) -> list[tuple[Any, list[PostedEntry]]]:
    groups: dict[tuple[date, UUID] | Any, list[PostedEntry]] = defaultdict(list)
    for each in entries:
        groups[key(each)].append(each)
    return list(groups.items())
