"""What must hold of each entry by itself and beside the one before it in its account."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.chain import EPOCH, MICROSECOND
from ates.accounting.keyring import Books
from ates.accounting.models import BusinessDay
from ates.accounting.pricing import cents_of
from ates.accounting.verify import columns
from ates.accounting.verify.columns import Page
from ates.accounting.verify.difference import Difference, at, dollars
from ates.kernel.errors import Hopeless

LIMIT_CENTS = 10_000_00  # of a correction, either way
NOTHING = (0, 0)
END = 1 << 62  # no entry and no moment is beyond


@dataclass
class Days:
    """The business days as texts and microseconds, in order."""

    names: list[str]
    starts: list[int]
    closes: list[int]  # close_entry_no of those that are closed
    close_of: dict[str, int]

    @classmethod
    def read(cls, session: Session) -> "Days":
        rows = session.execute(
            select(
                BusinessDay.business_date,
                BusinessDay.starts_at,
                BusinessDay.state,
                BusinessDay.close_entry_no,
            ).order_by(BusinessDay.business_date)
        ).all()
        closed = [row for row in rows if row.state != "open" and row.close_entry_no is not None]
        return cls(
            names=[row.business_date.isoformat() for row in rows],
            starts=[(row.starts_at - EPOCH) // MICROSECOND for row in rows],
            closes=[row.close_entry_no for row in closed],
            close_of={row.business_date.isoformat(): row.close_entry_no for row in closed},
        )

    def natural(self, moment: int) -> tuple[str, int, int]:
        """The day of a moment, and from when to when the answer is the same."""
        place = max(bisect_right(self.starts, moment) - 1, 0)
        begin = self.starts[place] if place else -1
        following = self.starts[place + 1 : place + 2]
        return self.names[place], begin, following[0] if following else END

    def first_open(self, entry_no: int) -> tuple[str, int]:
        """The first day that was open when the entry was posted, and up to which entry it was so;
        days are closed in order."""
        closed = bisect_left(self.closes, entry_no)
        until = self.closes[closed] if closed < len(self.closes) else END
        return self.names[min(closed, len(self.names) - 1)], until


@dataclass
class Rules:
    """Walks over entries in order, and remembers where each account stands."""

    session: Session
    books: Books
    days: Days
    all_drawn: bool = False  # a full check draws every price there is, once
    running: dict[int, tuple[int, int]] = field(default_factory=dict)  # account: seq, balance
    _keys: dict[int, bytes | None] = field(default_factory=dict)

    def check(self, page: Page, people: Mapping[int, str]) -> Iterator[Difference]:
        """All that is wrong with these entries, whose accounts belong to these people."""
        self._look_up(page)
        yield from self._accounts(page)
        yield from self._amounts(page)
        yield from self._counted(page)
        yield from self._payouts(page, people)

    # --- in its account ---------------------------------------------------------------------------

    def _look_up(self, page: Page) -> None:
        """Where accounts stood that have not been met yet, in one statement."""
        met, firsts = self.running, []
        for account, seq, number in zip(
            page.account_id, page.account_seq, page.entry_no, strict=True
        ):
            if account not in met:
                met[account] = NOTHING
                if seq > 1:
                    firsts.append((account, seq, number))
        met.update(columns.before(self.session, firsts))

    def _accounts(self, page: Page) -> Iterator[Difference]:
        """P2: numbers without a gap, and each balance is the one before plus the amount."""
        running = self.running
        for number, account, seq, cents, balance in zip(
            page.entry_no,
            page.account_id,
            page.account_seq,
            page.amount_cents,
            page.balance_cents,
            strict=True,
        ):
            before, owed = running[account]
            running[account] = (seq, balance)
            if seq != before + 1:
                yield at(number, f"number {seq} of its account follows {before}")
            if balance != owed + cents:
                yield Difference(
                    "the balance after it is not the one before plus its amount",
                    number,
                    number,
                    balance - owed - cents,
                )

    # --- amount and key ---------------------------------------------------------------------------

    def _amounts(self, page: Page) -> Iterator[Difference]:
        """Prices, ranges and keys."""
        tasks = {
            source
            for source, kind in zip(page.source_id, page.kind, strict=True)
            if kind in ("fee", "reward")
        }
        prices = columns.prices(self.session, tasks)
        wrong: set[str] = set()
        if not self.all_drawn:
            wrong = {task for task, price in prices.items() if not self._drawn(task, price)}
        for number, kind, source, order, cents in zip(
            page.entry_no, page.kind, page.source_id, page.source_no, page.amount_cents, strict=True
        ):
            if kind == "fee":
                price = prices.get(source)
                odd = price is None or cents != -price[0] or order < 1 or source in wrong
            elif kind == "reward":
                price = prices.get(source)
                odd = price is None or cents != price[1] or order != 0 or source in wrong
            else:
                yield from _decided(number, kind, order, cents)
                continue
            if odd:
                yield from _priced(number, kind, source, order, cents, price)
                if source in wrong:
                    yield at(number, f"the price of task {source} is not the one drawn")

    def _drawn(self, task: str, price: tuple[int, int, int]) -> bool:
        """P7: whether the price is what its key draws for its task."""
        fee, reward, key_id = price
        if key_id not in self._keys:
            self._keys[key_id] = price_key(self.books, key_id)
        key = self._keys[key_id]
        if key is None:
            return False
        return cents_of(columns.identity(task)[-16:], key) == (fee, reward)

    # --- the day it counts in ---------------------------------------------------------------------

    def _counted(self, page: Page) -> Iterator[Difference]:
        """C3 to C5: the day it happened, or the first open one if that was closed by then."""
        days, until = self.days, -1
        due, begin, end, first_open = "", 0, 0, ""
        for number, kind, day, happened, moment in zip(
            page.entry_no,
            page.kind,
            page.business_date,
            page.occurred_on,
            page.occurred_at,
            strict=True,
        ):
            if kind == "payout":
                continue
            if not begin <= moment < end:
                due, begin, end = days.natural(moment)
            if number > until:
                first_open, until = days.first_open(number)
            if happened != due:
                yield at(number, f"it happened on {due}, not on {happened}")
            elif day != (due if due > first_open else first_open):
                yield at(number, f"it counts in {day}, due is {max(due, first_open)}")

    def _payouts(self, page: Page, people: Mapping[int, str]) -> Iterator[Difference]:
        """A payout settles its own day for its own person, once that is closed."""
        if "payout" not in page.kind:
            return
        for number, kind, account, source, order, day, happened in zip(
            page.entry_no,
            page.kind,
            page.account_id,
            page.source_id,
            page.source_no,
            page.business_date,
            page.occurred_on,
            strict=True,
        ):
            if kind != "payout":
                continue
            if (source, str(order), happened) != (people.get(account), day.replace("-", ""), day):
                yield at(number, f"a payout of {day} with the key of another")
            if number <= self.days.close_of.get(day, number):
                yield at(number, f"a payout of {day} before its close")


def price_key(books: Books, key_id: int) -> bytes | None:
    """What prices of this key were drawn with; None for a key this installation lacks."""
    try:
        return books.keyring.sub_key(key_id, "price")
    except Hopeless:
        return None


def _priced(
    number: int, kind: str, source: str, order: int, cents: int, price: tuple[int, int, int] | None
) -> Iterator[Difference]:
    """What exactly is wrong with a fee or a reward."""
    if price is None:
        yield at(number, "its task has no price")
        return
    due = -price[0] if kind == "fee" else price[1]
    if cents != due:
        yield Difference(f"the {kind} is not the price of its task", number, number, cents - due)
    if (order > 0) != (kind == "fee"):
        yield at(number, f"a {kind} of {source} with the number {order}")


def _decided(number: int, kind: str, order: int, cents: int) -> Iterator[Difference]:
    """Payouts leave, corrections stay within what people may decide, and nothing else exists."""
    if kind == "payout":
        wrong = cents >= 0
    else:
        wrong = kind != "adjustment" or order != 0 or not 0 < abs(cents) <= LIMIT_CENTS
    if wrong:
        yield at(number, f"a {kind} of {dollars(cents)} with the number {order}")
