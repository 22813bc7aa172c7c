"""The unit of accounting: collects what a batch of events means in money, and posts it at once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.chain import Line
from ates.accounting.days import Calendar, ensure
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger, plain
from ates.accounting.models import (
    Account,
    Block,
    Entry,
)
from ates.accounting.posting import drawing, names, reading, sums
from ates.accounting.posting.batch import Batch
from ates.accounting.posting.entry import NewEntry, posted
from ates.accounting.posting.facts import (
    Fact,
    PersonCard,
    Task,
    TaskCard,
    refuse_ancient,
    refuse_other,
)
from ates.accounting.posting.memory import Known, Memory
from ates.accounting.posting.reading import AccountState
from ates.accounting.pricing import Price
from ates.accounting.writing import Row, bulk, columns_of, lay, names_of, replace, writing
from ates.contracts.accounting import Card, EntriesPosted, Kind
from ates.kernel import clock
from ates.kernel.driver import pipelined
from ates.kernel.envelope import Meta
from ates.kernel.errors import TooEarly

__all__ = ["PersonCard", "Posting", "TaskCard"]

AHEAD = timedelta(minutes=5)  # how far the clocks of two machines may differ
ENTRY = names_of(Entry)
KIND: Final = 3  # places in a line
SOURCE: Final = 4
ACCOUNT = AccountState.__struct_fields__
REPLACED = replace("balance_cents", "last_seq")


class Posting:
    """Intents of one transaction. No SQL before `flush`; may be dropped at any time.

    An intent that repeats what is in the books changes nothing. One key with another person, moment
    or amount raises Hopeless with both sides in words: which of them is right is never guessed.

    A hopeful unit does not ask first what is in the books: the table takes no key twice. Then a
    repetition raises IntegrityError, and the transaction has to be tried again without hope. It
    hopes with a memory of what it needs to know (posting.memory).
    """

    def __init__(self, session: Session, books: Books, *, hopes: Memory | None = None) -> None:
        self.session, self.books, self.memory = session, books, hopes
        self._lines: list[Line] = []
        # A UUID is hashed and compared in Python, the number it is in C: keys are numbers here.
        self._facts: dict[tuple[Kind, int, int], Fact] = {}
        self._tasks: dict[int, Task] = {}  # in order of their first mention
        self._people: dict[int, PersonCard] = {}

    # --- intents --------------------------------------------------------------------------------

    def fee(self, task: UUID, number: int, *, to: UUID, cause: Meta) -> None:
        """Charge the assignee of assignment `number`, also if the lot repeats the person (R14)."""
        self._note_task("fee", task, number, to, cause)

    def reward(self, task: UUID, *, to: UUID, cause: Meta) -> None:
        """Credit the one who completed the task, whoever holds it by now (R14)."""
        self._note_task("reward", task, 0, to, cause)

    def seen(self, task: UUID, card: TaskCard) -> None:
        """A task exists and is called so; this alone gives it a price (R13)."""
        if task.int not in self._tasks:
            self._tasks[task.int] = Task(task)
        named = self._tasks[task.int]
        named.cards.append(card)
        if card.number is not None:
            named.created = True

    def person(self, person: PersonCard) -> None:
        """Auth says how a person is called and reached; the newest version wins."""
        known = self._people.get(person.person_id.int)
        if known is None or known.version < person.version:
            self._people[person.person_id.int] = person

    def pay(self, person: UUID, *, day: date, amount_cents: int) -> None:
        """Settle a closed day: `amount_cents`, positive, leave the account."""
        assert type(amount_cents) is int, "money is whole cents"
        assert amount_cents > 0, "nobody is paid nothing"
        self._note(
            Fact(
                kind="payout",
                source_id=person,
                source_no=day.year * 10000 + day.month * 100 + day.day,
                person_id=person,
                amount_cents=-amount_cents,
                settles=day,
            )
        )

    def adjust(self, adjustment: UUID, *, to: UUID, amount_cents: int) -> None:
        """Post what people decided: + is in favour of the person. It happens as it is posted."""
        assert type(amount_cents) is int, "money is whole cents"
        self._note(
            Fact(
                kind="adjustment",
                source_id=adjustment,
                source_no=0,
                person_id=to,
                amount_cents=amount_cents,
            )
        )

    def flush(self) -> None:
        """Post everything, or raise and write nothing.

        Raises Hopeless for a conflict, TooEarly for a moment more than five minutes ahead.
        """
        if not (self._facts or self._tasks or self._people):
            return
        ledger, now = Ledger.lock(self.session), clock.now()
        facts = self._fresh(now)
        known = self._known(ledger, facts)
        calendar = self._calendar(ledger, facts, known, now) if facts else Calendar([], [], now)
        reached = names.reached(self.session, self._people.values())
        with pipelined(self.session):
            names.keep_people(self.session, self._people.values(), reached, now)
            names.keep_cards(self.session, self._tasks.values())
            prices = self._prices(ledger, known.prices, now)
            batch = Batch(ledger, calendar, known.accounts, prices, now)
            self._post(batch, facts)
        self._write(batch)
        if self.memory is not None:
            self.memory.keep(ledger, known)
        self._lines = batch.lines

    @property
    def posted(self) -> list[NewEntry]:
        """The entries that `flush` made, in order."""
        return [NewEntry(*line) for line in self._lines]

    # --- asking ---------------------------------------------------------------------------------

    def _fresh(self, now: datetime) -> list[Fact]:
        """The facts that are not in the books yet, as far as it is known."""
        facts = list(self._facts.values())
        if self.memory is None or _in_future(facts, now):
            facts = reading.unposted(self.session, facts)
            _refuse_future(facts, now)  # a repetition is none: the clock may have gone back since
        return facts

    def _known(self, ledger: Ledger, facts: Sequence[Fact]) -> Known:
        """What is there of the accounts and prices that are needed: what nobody remembers is asked
        for. A hopeful unit does not ask for the price of a task that is just being created."""
        hopes, known = self.memory is not None, Known()
        if self.memory is not None:
            known = self.memory.recall(ledger)
        there = known.accounts
        unmet = {fact.person_id for fact in facts if fact.person_id.int not in there}
        known.accounts.update(reading.accounts(self.session, unmet))
        tasks = [
            task.id
            for number, task in self._tasks.items()
            if number not in known.prices and not (hopes and task.created)
        ]
        known.prices.update(reading.prices(self.session, tasks))
        return known

    def _calendar(
        self, ledger: Ledger, facts: Sequence[Fact], known: Known, now: datetime
    ) -> Calendar:
        """The days in which these facts count."""
        moments = [fact.occurred_at or now for fact in facts]
        oldest, calendar = min(moments), known.calendar
        if calendar is None or oldest < calendar.since:
            calendar = known.calendar = Calendar.read(self.session, oldest)
        ensure(ledger, calendar, self.books.zone, now, first=moments[0])
        return calendar

    # --- posting --------------------------------------------------------------------------------

    def _prices(
        self, ledger: Ledger, known: dict[int, Price], now: datetime
    ) -> Mapping[int, Price]:
        """The prices of all tasks named here; those heard of for the first time are drawn (R13)."""
        fresh = [task.id for number, task in self._tasks.items() if number not in known]
        known.update(drawing.draw(ledger, fresh, self.books.keyring, now))
        return known

    def _post(self, batch: Batch, fresh: Sequence[Fact]) -> None:
        """Make the entries; their accounts are written as they are after them."""
        batch.post(fresh)
        accounts = [batch.touched[number] for number in sorted(batch.touched)]
        with writing(self.session, Account, columns_of(accounts, ACCOUNT), REPLACED):
            pass

    def _write(self, batch: Batch) -> None:
        """One statement per table, parents first; what needs no table is made meanwhile."""
        rewarded = [line[SOURCE] for line in batch.lines if line[KIND] == "reward"]
        cards = reading.cards(self.session, rewarded)
        entries = _side_by_side(batch.lines)
        with writing(self.session, Entry, entries):
            blocks = self._seal(batch, cards)
            added = [list(each.rows(entries)) for each in sums.SUMS]
        with pipelined(self.session):
            for each, rows in zip(sums.SUMS, added, strict=True):
                lay(self.session, each.model, each.names, rows, each.merge)
            bulk(self.session, Block, blocks)
            batch.ledger.save(self._cause())

    def _seal(self, batch: Batch, cards: Mapping[int, Card]) -> list[Row]:
        """The rows of the blocks, and what is said of each."""
        key_id = self.books.keyring.current
        key = self.books.keyring.sub_key(key_id, "chain")
        blocks: list[Row] = []
        for row, lines in batch.blocks(key, key_id):
            blocks.append(row)
            batch.ledger.say(
                EntriesPosted,
                block_no=row["block_no"],
                entries=[posted(line) for line in lines],
                cards=_cards_of(lines, cards),
            )
        return blocks

    def _note_task(self, kind: Kind, task: UUID, number: int, to: UUID, cause: Meta) -> None:
        refuse_ancient(cause.occurred_at)
        if task.int not in self._tasks:
            self._tasks[task.int] = Task(task)
        fact = Fact(
            kind=kind,
            source_id=task,
            source_no=number,
            person_id=to,
            occurred_at=cause.occurred_at,
            cause=cause,
        )
        self._note(fact)

    def _note(self, fact: Fact) -> None:
        known = self._facts.setdefault((fact.kind, fact.source_id.int, fact.source_no), fact)
        if known is not fact:
            refuse_other(fact.key, known.content, fact.content, "stands in the same batch")

    def _cause(self) -> Meta | None:
        """The event behind it all, if there is but one: it is passed on as the cause."""
        found: Meta | None = None
        for fact in self._facts.values():
            if fact.cause is not None and found is not None and fact.cause.id != found.id:
                return None
            found = fact.cause or found
        return found


def _side_by_side(lines: Sequence[Line]) -> Mapping[str, Sequence[Any]]:
    """The columns of the table of entries; the person behind them has none there."""
    return dict(zip(ENTRY, zip(*lines, strict=True), strict=False)) or dict.fromkeys(ENTRY, ())


def _refuse_future(facts: Sequence[Fact], now: datetime) -> None:
    if moment := _in_future(facts, now):
        raise TooEarly(f"{plain(moment)} has not come, here it is {plain(now)}")


def _in_future(facts: Sequence[Fact], now: datetime) -> datetime | None:
    """The moment of a fact that has not come yet, if there is one."""
    until = now + AHEAD
    moments = [fact.occurred_at for fact in facts]
    return next((moment for moment in moments if moment is not None and moment > until), None)


def _cards_of(lines: Sequence[Line], cards: Mapping[int, Card]) -> list[Card]:
    """How the rewarded tasks are called, as far as it is known."""
    found = (cards.get(line[SOURCE].int) for line in lines if line[KIND] == "reward")
    return [card for card in found if card is not None]
