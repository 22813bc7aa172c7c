"""Bugs of posting and of prices (books.md, chapter 16), each with its shortest trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ates.accounting import posting, pricing
from ates.accounting.handlers import inbox
from ates.accounting.models import Entry
from ates.accounting.posting import Posting, facts, reading
from ates.accounting.posting.batch import Batch
from ates.kernel import many
from tests.accounting.machine.planting import Bug, Do, changed, instead, together
from tests.accounting.make import ARA, BIBI
from tests.kernel import controls
from tests.kernel.faults import replaced

# --- traces ---------------------------------------------------------------------------------------


def said_again(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("repeat", 0)
    do("hear")


def the_same_person_again(do: Do) -> None:
    do("assign", 1, ARA)
    do("assign", 1, ARA)
    do("hear")


def another_person(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("contradict", 0, later=False)
    do("hear")


def another_moment(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("contradict", 0, later=True)
    do("hear")


def done_as_it_was_drawn_anew(do: Do) -> None:
    do("assign", 1, ARA)
    do("complete", 1, ARA)
    do("assign", 1, BIBI)
    do("hear")


def a_conflict_among_others(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("contradict", 0, later=True)
    do("assign", 2, BIBI)
    do("hear")


def died_after_the_flush(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear_and_die", "F6 drain after the flush", "killed")
    do("hear")


def two_writers(do: Do) -> None:
    do("adjust", ARA, 100)
    do("race", ARA)


def two_people_twice(do: Do) -> None:
    do("assign", 1, ARA)
    do("assign", 2, BIBI)
    do("hear")
    do("wait", 1500)
    do("assign", 3, BIBI)
    do("assign", 4, ARA)
    do("hear")


def the_later_id_first(do: Do) -> None:
    do("assign", 1, BIBI)
    do("assign", 2, ARA)
    do("hear")


def one_task(do: Do) -> None:
    do("assign", 1, ARA)
    do("complete", 1)
    do("hear")


def two_draws_two_keys(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("new_key")
    do("assign", 1, BIBI)
    do("hear")


# --- bugs -----------------------------------------------------------------------------------------


def by_event_id(unposted: Any) -> Any:
    def once(session: Any, found: Any) -> Any:
        there = set(session.scalars(select(Entry.event_id)))
        return [fact for fact in found if fact.cause is None or fact.cause.id not in there]

    return once


def but_not_twice(fee: Any) -> Any:
    last: dict[UUID, UUID] = {}

    def charged(self: Posting, task: UUID, number: int, *, to: UUID, cause: Any) -> None:
        if number == 1 or last.get(task) != to:
            fee(self, task, number, to=to, cause=cause)
        last[task] = to

    return charged


def to_who_has_it_now(flush: Any) -> Any:
    def rewarded(self: Posting) -> None:
        holders = {
            fact.source_id: fact.person_id for fact in self._facts.values() if fact.kind == "fee"
        }
        for key, fact in list(self._facts.items()):
            if fact.kind == "reward" and fact.source_id in holders:
                values = {name: getattr(fact, name) for name in facts.Fact.__struct_fields__}
                self._facts[key] = facts.Fact(**values | {"person_id": holders[fact.source_id]})
        flush(self)

    return rewarded


def with_the_current_key(prices: Any) -> Any:
    def drawn(self: Posting, *of: Any) -> Any:
        key = self.books.keyring.sub_key(self.books.keyring.current, "price")
        drawn = prices(self, *of)
        return {task: pricing.price_of(UUID(int=task), key) for task in drawn}

    return drawn


@contextmanager
def one_unit_for_a_transaction() -> Iterator[None]:
    """What failed stays in it, and fails everything that comes after."""
    make, made = inbox.unit, dict[int, Any]()

    def unit(session: Any) -> Any:
        return made.setdefault(id(session), make(session))

    with replaced(inbox, "unit", unit):
        yield


@contextmanager
def read_before_the_lock() -> Iterator[None]:
    flush, accounts = Posting.flush, reading.accounts

    def hasty(self: Posting) -> None:
        found = accounts(self.session, {fact.person_id for fact in self._facts.values()})
        with replaced(reading, "accounts", lambda *_: found):
            flush(self)

    with replaced(Posting, "flush", hasty):
        yield


BUGS = [
    Bug("key is the event id", "P4", instead(reading, "unposted", by_event_id), said_again),
    Bug(
        "same person not charged",
        "P4",
        instead(Posting, "fee", but_not_twice),
        the_same_person_again,
    ),
    Bug(
        "conflict taken as repetition",
        "P4",
        together(
            instead(reading, "refuse_other", lambda refuse: lambda *_: None),
            instead(posting, "refuse_other", lambda refuse: lambda *_: None),
        ),
        another_person,
    ),
    Bug(
        "time not in the content",
        "P4",
        together(
            changed(reading, "unposted", ("entry.occurred_at if", "0 if")),
            changed(
                facts.Fact, "content", ("self.person_id, self.occurred_at", "self.person_id, 0")
            ),
        ),
        another_moment,
    ),
    Bug(
        "reward to the current assignee",
        "P4",
        instead(Posting, "flush", to_who_has_it_now),
        done_as_it_was_drawn_anew,
    ),
    Bug(
        "a failed batch's unit used again",
        "P4",
        one_unit_for_a_transaction,
        a_conflict_among_others,
    ),
    Bug(
        "position in another transaction",
        "P4",
        controls.position_before_the_effect,
        died_after_the_flush,
    ),
    Bug("read before the lock", "P2", read_before_the_lock, two_writers, side_by_side=True),
    Bug(
        "unsorted upsert",
        "P3",
        instead(many, "_order", lambda order: lambda *_: None),
        two_people_twice,
    ),
    Bug(
        "accounts numbered by sorted id",
        "P3",
        changed(
            Posting,
            "_post",
            (
                "    batch.post(fresh)\n",
                "    for who in sorted({fact.person_id for fact in fresh}):\n"
                "        batch.accounts.get(who.int) or batch._open(who)\n"
                "    batch.post(fresh)\n",
            ),
        ),
        the_later_id_first,
    ),
    # Price
    Bug(
        "upper end excluded",
        "P7",
        together(
            instead(pricing, "FEES", lambda fees: range(10, 20)),
            instead(pricing, "REWARDS", lambda rewards: range(20, 40)),
        ),
        one_task,
    ),
    Bug(
        "fee per assignment",
        "P7",
        changed(
            Batch,
            "_amount",
            (
                "-price.fee_cents if",
                "-(1000 + (price.fee_cents - 900 - 100 * fact.source_no) % 1100) if",
            ),
        ),
        the_same_person_again,
    ),
    Bug(
        "current key for old tasks",
        "P7",
        instead(Posting, "_prices", with_the_current_key),
        two_draws_two_keys,
    ),
]
