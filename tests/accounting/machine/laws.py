"""What must hold after every act (books.md, chapter 16), each by plain summing over the rows."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ates.accounting import verify
from ates.accounting.balances import as_of
from tests.accounting.machine import deciding, plain
from tests.accounting.machine.rows import Rows

if TYPE_CHECKING:
    from tests.accounting.machine.world import World

Law = Callable[["World", Rows], Iterator[str]]
ORDER = {"paid": 0, "closed": 1, "open": 2}


def broken(world: "World", rows: Rows) -> list[str]:
    """What does not hold, each sentence beginning with the name of the property."""
    moved = world.remember(rows)
    asked = (*LAWS, *SAID) if moved else LAWS
    return [sentence for law in asked for sentence in law(world, rows)]


def names(found: Sequence[str]) -> set[str]:
    """The properties that are broken."""
    return {each.split()[0] for each in found}


# --- the ledger -----------------------------------------------------------------------------------


def _totals(world: "World", rows: Rows) -> Iterator[str]:
    """P1, P3: accounts, entries and days have one sum; no number is missing."""
    owed = sum(account.balance_cents for account in rows.accounts)
    booked = sum(entry.amount_cents for entry in rows.entries)
    if not owed == booked == sum(total.amount_cents for total in rows.totals):
        yield f"P1 accounts sum to {owed}, entries to {booked}"
    if [entry.entry_no for entry in rows.entries] != list(range(1, len(rows.entries) + 1)):
        yield "P3 the numbers of the entries have a gap"
    if rows.head.last_entry_no != len(rows.entries):
        yield f"P3 the head says {rows.head.last_entry_no} of {len(rows.entries)} entries"
    first = dict.fromkeys(entry.account_id for entry in rows.entries)
    if list(first) != [account.id for account in rows.accounts]:
        yield "P3 accounts are not numbered by their first entry"


def _accounts(world: "World", rows: Rows) -> Iterator[str]:
    """P2: each balance is the sum of its entries, which are numbered 1, 2, 3."""
    balances: dict[int, int] = defaultdict(int)
    numbers: dict[int, int] = defaultdict(int)
    for entry in rows.entries:
        account = entry.account_id
        balances[account] += entry.amount_cents
        numbers[account] += 1
        said, due = (entry.balance_cents, entry.account_seq), (balances[account], numbers[account])
        if said != due:
            yield f"P2 after entry {entry.entry_no} its account says {said}, not {due}"
    for row in rows.accounts:
        if (row.balance_cents, row.last_seq) != (balances[row.id], numbers[row.id]):
            yield f"P2 account {row.id} has {row.balance_cents} after {row.last_seq} entries"


def _written_in_order(world: "World", rows: Rows) -> Iterator[str]:
    """P3: rows of one block are written in the order of their keys, so that no writers deadlock."""
    entry_of = {(entry.account_id, entry.account_seq): entry.entry_no for entry in rows.entries}
    places: dict[int, list[int]] = defaultdict(list)
    if not world.database.is_sqlite:
        return
    for row in rows.account_days:
        number = entry_of.get((row.account_id, row.first_seq), 0)
        block = next((b.block_no for b in rows.blocks if number <= b.last_entry_no), 0)
        places[block].append(row.place)
    for block, found in places.items():
        if found != sorted(found):
            yield f"P3 sums of block {block} were not written in the order of their keys"


def _unchanged(world: "World", rows: Rows) -> Iterator[str]:
    """P5, C1: what is written stays; a day's borders and closing too."""
    for name, kept in world.before.items():
        found = world.kept[name]
        for key, row in kept.items():
            if found.get(key) != row:
                yield f"P5 {name} {key} was {row}, and is {found.get(key)}"


def _prices(world: "World", rows: Rows) -> Iterator[str]:
    """P7: each task has one price, the one its key draws, and every entry has it."""
    drawn = {}
    for row in rows.prices:
        due = plain.price(world.keys[row.key_id], row.task_id)
        drawn[row.task_id] = due
        if (row.fee_cents, row.reward_cents) != due:
            yield f"P7 task {row.task_id.int} costs {row.fee_cents}, {row.reward_cents}, not {due}"
    for entry in rows.entries:
        if entry.kind in ("fee", "reward"):
            fee, reward = drawn.get(entry.source_id, (0, 0))
            if entry.amount_cents != (-fee if entry.kind == "fee" else reward):
                yield f"P7 entry {entry.entry_no} is not the price of its task"


def _sums(world: "World", rows: Rows) -> Iterator[str]:
    """P10: every sum table again from the entries."""
    totals: dict[Any, list[int]] = {}
    days: dict[Any, dict[str, int]] = {}
    rewards: dict[Any, list[int]] = {}
    for e in rows.entries:
        total = totals.setdefault((e.business_date, e.kind), [0, 0, e.entry_no, 0])
        total[0] += e.amount_cents
        total[1] += 1
        total[3] = e.entry_no
        day = days.setdefault((e.account_id, e.business_date), defaultdict(int))
        day[e.kind] += e.amount_cents
        day["entries"] += 1
        day["first"] = day["first"] or e.account_seq
        day["last"] = e.account_seq
        if e.kind == "reward":
            reward = rewards.setdefault((e.occurred_on, e.amount_cents), [0, e.entry_no])
            reward[0] += 1
    if totals != {(t.business_date, t.kind): list(t)[2:] for t in rows.totals}:
        yield "P10 the totals of days differ from the entries"
    columns = ("fee", "reward", "adjustment", "payout", "entries", "first", "last")
    again = {key: tuple(day[name] for name in columns) for key, day in days.items()}
    if again != {(d.account_id, d.business_date): tuple(d)[2:9] for d in rows.account_days}:
        yield "P10 the days of accounts differ from the entries"
    if rewards != {(r.completed_on, r.reward_cents): list(r)[2:] for r in rows.rewards}:
        yield "P10 the rewards of days differ from the entries"


# --- facts ----------------------------------------------------------------------------------------


def _facts(world: "World", rows: Rows) -> Iterator[str]:
    """P4: one entry per fact that was heard, with its content, whatever came again."""
    aside = {row.position for row in rows.parked}
    heard = [
        world.said[row.event_id]
        for row in rows.log
        if row.position <= rows.position
        and row.position not in aside
        and row.event_id in world.said
    ]
    booked: dict[Any, Any] = {}
    for entry in rows.entries:
        if entry.kind not in ("fee", "reward"):
            continue
        key = entry.kind, entry.source_id, entry.source_no
        booked[key] = entry
        fact = world.said.get(entry.event_id)
        content = entry.person_id, entry.occurred_at
        if fact is None or (fact.key, fact.who, fact.at) != (key, *content):
            yield f"P4 entry {entry.entry_no} is not what its event says"
    for fact in heard:
        found = booked.get(fact.key)
        if found is None:
            yield f"P4 {fact} was heard and not booked"
        elif (found.person_id, found.occurred_at) != (fact.who, fact.at):
            yield f"P4 {fact} was heard, booked is entry {found.entry_no}"
    for key in set(booked) - {fact.key for fact in heard}:
        yield f"P4 entry {booked[key].entry_no} has no event that was heard"


def _parked(world: "World", rows: Rows) -> Iterator[str]:
    """P4: nothing is set aside but for its own fault, or behind one of its stream."""
    by_position = {row.position: row for row in rows.log}
    booked = {(e.kind, e.source_id, e.source_no): e for e in rows.entries}
    heads = {row.key for row in rows.parked if row.status in ("retry", "dead")}
    for row in rows.parked:
        world.aside.add(by_position[row.position].event_id)
        fact = world.said.get(by_position[row.position].event_id)
        if row.status == "blocked" and row.key not in heads:
            yield f"P4 {row.key} waits at {row.position} for nothing"
        if row.error_class in (None, "SetAside") or row.status == "skipped" or fact is None:
            continue
        entry = booked.get(fact.key)
        other = entry is not None and (entry.person_id, entry.occurred_at) != (fact.who, fact.at)
        early = fact.at > row.first_failed_at + world.AHEAD
        if not (other or early):
            yield f"P4 {fact} is parked without a fault: {row.error_class} {row.error}"


# --- days -----------------------------------------------------------------------------------------


def _borders(world: "World", rows: Rows) -> Iterator[str]:
    """C1: days adjoin and end at the midnights of the zone that was in force."""
    for one, other in pairwise(rows.days):
        if one.ends_at != other.starts_at:
            yield f"C1 {one.business_date} and {other.business_date} do not adjoin"
    zone = world.books.zone
    for place, day in enumerate(rows.days):
        if day.business_date in world.zones:
            continue
        world.zones[day.business_date] = zone.key
        if place == 0 and day.starts_at != plain.begin_of(day.business_date, zone):
            yield f"C1 the books begin at {day.starts_at}"
        if day.ends_at != _end(day, zone):
            yield f"C1 {day.business_date} ends at {day.ends_at}"


def _end(day: Any, zone: ZoneInfo) -> Any:
    return plain.begin_of(day.business_date + plain.ONE, zone)


def _states(world: "World", rows: Rows) -> Iterator[str]:
    """C2: paid, closed, open. None is closed before its end and the grace."""
    for one, other in pairwise(rows.days):
        if ORDER[one.state] > ORDER[other.state]:
            yield f"C2 {other.business_date} is {other.state}, the day before {one.state}"
    for day in rows.days:
        if day.state != "open" and day.closed_at < day.ends_at + world.books.grace:
            yield f"C2 {day.business_date} was closed within the grace"


def _dates(world: "World", rows: Rows) -> Iterator[str]:
    """C3 to C5: which day an entry counts in."""
    closes = {day.business_date: day.close_entry_no for day in rows.days}
    for entry in rows.entries:
        day, number = entry.business_date, entry.entry_no
        if entry.kind == "payout":
            if closes[day] is None or number <= closes[day]:
                yield f"C3 entry {number} pays {day} before its close"
            continue
        happened = plain.natural(rows.days, entry.occurred_at)
        if entry.occurred_on != happened:
            yield f"C5 entry {number} happened on {happened}, it says {entry.occurred_on}"
        open_ = next((d for d, close in closes.items() if close is None or close >= number), None)
        if open_ is None or day < open_:
            yield f"C3 entry {number} counts in {day}, which was closed"
        elif day != max(happened, open_):
            yield f"C4 entry {number} counts in {day}, due is {max(happened, open_)}"


def _in_time(world: "World", rows: Rows) -> Iterator[str]:
    """C9: a fact that was said before the close and never set aside counts in its own day."""
    for day in rows.days:
        if day.state != "open":
            world.closed_in.setdefault(day.business_date, world.step)
    for entry in rows.entries:
        fact = world.said.get(entry.event_id)
        if entry.occurred_on == entry.business_date or fact is None:
            continue
        closed = world.closed_in.get(entry.occurred_on, world.step)
        if fact.step < closed and entry.event_id not in world.aside:
            yield f"C9 entry {entry.entry_no} was said in time and counts in {entry.business_date}"


def _income(world: "World", rows: Rows) -> Iterator[str]:
    """P9: what a closed day brought never changes."""
    for day in rows.days:
        if day.state != "open":
            now = plain.income(rows.entries, day.business_date, day.business_date)
            before = world.incomes.setdefault(day.business_date, now)
            if before != now:
                yield f"P9 {day.business_date} brought {before}, and now {now}"


def _payouts(world: "World", rows: Rows) -> Iterator[str]:
    """C6: each payout is what was owed as of its day. C7: after it nobody is owed anything."""
    for day in rows.days:
        date_ = day.business_date
        owed = plain.as_of(rows.entries, date_, paid=False)
        paid = {
            entry.person_id: -entry.amount_cents
            for entry in rows.entries
            if entry.kind == "payout" and entry.business_date == date_
        }
        for who, cents in paid.items():
            if cents != owed[who]:
                yield f"C6 {date_} paid {cents} to {who.int}, due was {owed[who]}"
        left = {who: cents for who, cents in owed.items() if cents > 0 and who not in paid}
        left = {who: cents for who, cents in left.items() if (who, date_) not in world.skipped}
        if day.state == "paid" and left:
            yield f"C7 {date_} is paid, and owed is {left}"
        if day.state == "paid" and (day.payouts, day.payout_cents) != (
            len(paid),
            sum(paid.values()),
        ):
            yield f"C8 {date_} says {day.payouts} payouts of {day.payout_cents}"


def _once(world: "World", rows: Rows) -> Iterator[str]:
    """C8: one payout for a day and a person, with its entry and its letter."""
    booked = [
        (e.business_date, e.account_id, -e.amount_cents, e.entry_no)
        for e in rows.entries
        if e.kind == "payout"
    ]
    if sorted(booked) != [tuple(row) for row in rows.payouts]:
        yield "C8 payouts are not their entries"
    if len({row[:2] for row in booked}) != len(booked):
        yield "C8 somebody is paid twice for a day"
    if [row[:2] for row in rows.payouts] != [row[:2] for row in rows.letters]:
        yield "C8 letters are not the payouts"


# --- what the books say of themselves -------------------------------------------------------------


def _as_of(world: "World", rows: Rows) -> Iterator[str]:
    """P11: as-of by the formula is as-of by summing."""
    with world.database.reading() as session:
        for day in rows.days[-3:]:
            said = {row.person_id: row.cents for row in session.execute(as_of(day.business_date))}
            due = plain.as_of(rows.entries, day.business_date)
            if {who: cents for who, cents in said.items() if cents} != {
                who: cents for who, cents in due.items() if cents
            }:
                yield f"P11 balances as of {day.business_date} differ from the entries"


def _verified(world: "World", rows: Rows) -> Iterator[str]:
    """P13: the books' own check finds nothing."""
    with world.database.reading() as session:
        for difference in verify.quick(session):
            yield f"P13 {difference}"


LAWS: Sequence[Law] = (
    _totals,
    _accounts,
    _written_in_order,
    _unchanged,
    _prices,
    _sums,
    _facts,
    _parked,
    _borders,
    _states,
    _dates,
    _in_time,
    _income,
    _payouts,
    _once,
    deciding.broken,
)
SAID: Sequence[Law] = (_as_of, _verified)  # asked only if the books moved
