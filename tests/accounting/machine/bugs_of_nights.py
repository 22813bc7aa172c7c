"""Bugs of the payout and the close (books.md, chapter 16), each with its shortest trace."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from ates.accounting import balances, closing, days, gate, holds, letters, payout
from ates.accounting.days import Calendar
from ates.accounting.models import Account, AccountDay, Hold
from ates.accounting.posting.batch import Batch
from ates.kernel import db, lag
from tests.accounting.machine.planting import Bug, Do, changed, instead, together
from tests.accounting.make import ARA, BIBI
from tests.kernel.faults import replaced

T3, T4 = 3, 4  # both bring 35 dollars

# --- traces ---------------------------------------------------------------------------------------


def night(do: Do, **more: Any) -> None:
    """Midnight, the grace, a run."""
    do("to_border", 0)
    do("wait", 3)
    do("night", **more)


def entries_after_midnight(do: Do) -> None:
    do("complete", 1, ARA)
    do("hear")
    do("to_border", 0)
    do("complete", 2, ARA)
    do("hear")
    do("wait", 3)
    do("night")


def one_reward(do: Do) -> None:
    do("complete", 1, ARA)
    do("hear")
    night(do)


def two_missed_nights(do: Do) -> None:
    do("complete", 1, ARA)
    do("wait", 1500)
    do("assign", 2, ARA)
    do("hear")
    night(do)


def ninety_nine_cents(do: Do) -> None:
    do("adjust", ARA, 99)
    night(do)


def a_debt_and_a_reward(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    night(do)
    do("complete", 1)
    do("hear")
    night(do)


def two_people_one_by_one(do: Do) -> None:
    do("adjust", ARA, 99)
    do("adjust", BIBI, 100)
    night(do, size=1)


def held_in_the_middle(do: Do) -> None:
    do("adjust", ARA, 99)
    do("adjust", BIBI, 100)
    night(do, size=1, meanwhile=lambda world: world.meanwhile("hold day"))


def commit_unknown(do: Do) -> None:
    do("adjust", ARA, 100)
    do("to_border", 0)
    do("wait", 3)
    do("night_and_die", "N6 a batch's commit is unknown", "killed")


def numbered_and_not_heard(do: Do) -> None:
    do("adjust", ARA, 1)
    do("assign", 1, ARA)
    do("number")
    night(do)


def staged_and_not_numbered(do: Do) -> None:
    do("adjust", ARA, 1)
    do("assign", 1, ARA)
    night(do)


def at_midnight_sharp(do: Do) -> None:
    do("adjust", ARA, 1)
    do("to_border", 0)
    do("assign", 1, ARA)
    do("hear")


def waiting_for_the_next_day(do: Do) -> None:
    do("adjust", ARA, 1)
    do("to_border", 0)
    do("assign", 1, ARA)
    do("wait", 3)
    do("night")


def within_the_grace(do: Do) -> None:
    do("adjust", ARA, 1)
    do("to_border", 0)
    do("wait", 1)
    do("night")


def four_days(do: Do) -> None:
    do("adjust", ARA, 1)
    do("wait", 4380)
    do("adjust", ARA, 1)


def another_zone(do: Do) -> None:
    do("adjust", ARA, 1)
    do("wait", 190)
    do("move", "Asia/Tokyo")
    do("assign", 1, ARA)
    do("hear")


def a_late_fact(do: Do) -> None:
    do("adjust", ARA, 1)
    night(do)
    do("assign", 1, ARA, ago=600)
    do("hear")


def a_parked_fact(do: Do) -> None:
    do("assign", 1, ARA)
    do("contradict", 0, later=True)
    do("hear")
    night(do)


def a_jump(do: Do) -> None:
    for _ in range(3):
        do("adjust", ARA, 1)
        do("wait", 1500)
    do("night", catch_up=2)


# --- bugs that need more than other words ---------------------------------------------------------


@contextmanager
def letters_in_their_own_transaction() -> Iterator[None]:
    write = letters.write

    def later(session: Any, *of: Any) -> None:
        def alone() -> None:
            with db.transaction("accounting") as own:
                write(own, *of)

        db.after_commit(session, "letters", alone)

    with replaced(letters, "write", later):
        yield


def with_every_other_day_left_out(day: date) -> Any:
    others = (
        select(AccountDay.account_id, balances.total(balances.net_of()).label("cents"))
        .where(AccountDay.business_date != day)
        .group_by(AccountDay.account_id)
        .subquery()
    )
    cents = Account.balance_cents - func.coalesce(others.c.cents, 0)
    question = (
        select(Account.id, Account.person_id, cents.label("cents"))
        .outerjoin(others, others.c.account_id == Account.id)
        .order_by(Account.id)
    )
    return question, cents


@contextmanager
def held_as_it_began() -> Iterator[None]:
    run = payout.run

    def hasty(database: Any, *of: Any) -> Any:
        with database.reading() as session:
            held = holds.read(session)
        accounts = select(Hold.account_id).where(Hold.account_id.in_(held.accounts))
        with (
            replaced(holds, "read", lambda session: held),
            replaced(holds, "of_accounts", lambda: accounts),
        ):
            return run(database, *of)

    with replaced(payout, "run", hasty):
        yield


def and_that_is_all(pay: Any) -> Any:
    def paid(session: Any, books: Any, day: date, rows: Any) -> None:
        pay(session, books, day, rows)
        payout._finish(session, day)

    return paid


def todays_zone(self: Calendar, moment: Any) -> Any:
    return moment.astimezone(gate.books().zone).date()


BUGS = [
    # Payout
    Bug(
        "current balance",
        "C6",
        changed(balances, "due", ("_standing(day)", "_standing(date.max)"), also=[payout]),
        entries_after_midnight,
    ),
    Bug(
        "as-of with the day itself left out",
        "C7",
        changed(
            balances,
            "due",
            ("_standing(day)", "_standing(day - timedelta(days=1))"),
            also=[payout],
            timedelta=timedelta,
        ),
        one_reward,
    ),
    Bug(
        "the day before its day before",
        "C2",
        together(
            changed(
                payout,
                "_unpaid",
                (
                    "order_by(BusinessDay.business_date)",
                    "order_by(BusinessDay.business_date.desc())",
                ),
            ),
            changed(payout, "_payable", ("first == day and ", "")),
        ),
        two_missed_nights,
    ),
    Bug(
        "sums below a dollar skipped",
        "C7",
        changed(balances, "due", ("cents > 0", "cents >= 100"), also=[payout]),
        ninety_nine_cents,
    ),
    Bug(
        "debt reset at midnight",
        "C6",
        changed(
            balances,
            "due",
            ("_standing(day)", "reset_standing(day)"),
            also=[payout],
            reset_standing=with_every_other_day_left_out,
        ),
        a_debt_and_a_reward,
    ),
    Bug(
        "dated today",
        "C9",
        changed(payout, "_pay", ("day=day,", "day=clock.now().date(),")),
        one_reward,
    ),
    Bug("hold read once per run", "C6", held_as_it_began, held_in_the_middle),
    Bug(
        "letter in its own transaction",
        "C8",
        letters_in_their_own_transaction,
        commit_unknown,
    ),
    Bug(
        "paid while somebody is left",
        "C7",
        instead(payout, "_pay", and_that_is_all),
        two_people_one_by_one,
    ),
    # Close
    Bug(
        "no drain check",
        "C9",
        changed(closing, "close", ("if unhandled.waiting:", "if False:")),
        numbered_and_not_heard,
    ),
    Bug(
        "log only, not staging",
        "C9",
        changed(
            lag,
            "unhandled_before",
            ("staged.scalar_subquery()\n        + ", ""),
            also=[closing, payout],
        ),
        staged_and_not_numbered,
    ),
    Bug(
        "midnight counts in the day before",
        "C5",
        changed(
            Calendar,
            "natural",
            ("moment >= self", "moment > self"),
            ("bisect_right", "bisect_left"),
            bisect_left=bisect_left,
        ),
        at_midnight_sharp,
    ),
    Bug(
        "midnight is waited for",
        "C9",
        changed(
            lag,
            "unhandled_before",
            ("occurred_at < instant", "occurred_at <= instant"),
            also=[closing, payout],
        ),
        waiting_for_the_next_day,
    ),
    Bug(
        "no grace",
        "C2",
        together(
            changed(closing, "over", ("now - books.grace", "now")),
            changed(closing, "close", ("row.ends_at + books.grace > now", "row.ends_at > now")),
        ),
        within_the_grace,
    ),
    Bug(
        "a day has 24 hours",
        "C1",
        changed(
            days,
            "following",
            ("last.ends_at, midnight(day + ONE, zone))", "last.ends_at, last.ends_at + ONE)"),
        ),
        four_days,
        zone="Europe/Berlin",
    ),
    Bug(
        "borders from today's zone",
        "C5",
        instead(Calendar, "natural", lambda natural: todays_zone),
        another_zone,
    ),
    Bug(
        "a late entry counts in its closed day",
        "P4",
        changed(Batch, "post", ("max(natural, open_days[0])", "natural")),
        a_late_fact,
    ),
    Bug(
        "parked events block the close",
        "C9",
        changed(
            closing, "close", ("if unhandled.waiting:", "if unhandled.waiting + unhandled.parked:")
        ),
        a_parked_fact,
    ),
    Bug(
        "no catch-up guard",
        "C9",
        changed(payout, "_within_jump", ("if jump <= limits.catch_up:", "if True:")),
        a_jump,
    ),
]
