"""Keeps the books of a company that is made by bulk, with the rules of the ordinary posting."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, update

from ates.accounting.bulk.blocks import Chain, Place, State
from ates.accounting.bulk.night import Night
from ates.accounting.bulk.sums import Today
from ates.accounting.gate import books
from ates.accounting.models import (
    Account,
    AccountDay,
    BusinessDay,
    Card,
    DayReward,
    DayTotal,
    Head,
    Person,
    PricedKind,
    PriceTotal,
    TaskPrice,
)
from ates.accounting.posting.batch import BLOCK as MOST
from ates.accounting.pricing import price_of
from ates.contracts.accounting import DayOpened
from ates.contracts.chronicle import (
    SECOND,
    Chapter,
    Chronicle,
    Draw,
    Fact,
    Job,
    Press,
    moment_text,
)
from ates.kernel.bulk import Loader, Row, Scribe

HEARD = SECOND // 5  # from a fact to its entry

ACCOUNT = ("id", "person_id", "balance_cents", "last_seq", "opened_at")
ACCOUNT_DAY = (
    "account_id", "business_date", "fee_cents", "reward_cents", "adjustment_cents", "payout_cents",
    "entries", "first_seq", "last_seq",
)  # fmt: skip
CARD = ("task_id", "number", "title", "jira_id", "version")
PERSON = ("person_id", "name", "email", "role", "locale", "active", "version")
PRICED = ("kind", "cents", "tasks")
PRICE = ("task_id", "fee_cents", "reward_cents", "key_id", "priced_at")
REWARD = ("completed_on", "reward_cents", "tasks", "first_entry_no")
TOTAL = ("business_date", "kind", "amount_cents", "entries", "first_entry_no", "last_entry_no")


class Bookkeeper(Scribe):
    """Prices, posts, closes and pays; notes on the facts what the other parts would hear."""

    def __init__(self, loader: Loader, chronicle: Chronicle) -> None:
        self.loader, self.chronicle, self.books = loader, chronicle, books()
        self.chain = Chain(self.books)
        self.price_key = self.books.keyring.sub_key(self.chain.key_id, "price")
        self.priced: Counter[tuple[PricedKind, int]] = Counter()  # tasks, by kind and cents
        self.accounts: dict[int, State] = {}  # by the person's number, in order of appearance
        self.today = Today()
        self.day: Chapter | None = None
        self.before: Chapter | None = None

    def begin(self) -> None:
        rows = [
            (str(each.id), each.name, each.email, str(each.role), each.locale, True, 1)
            for each in self.chronicle.people
        ]
        self.loader.load(Person, PERSON, rows)

    def open(self, day: Chapter) -> None:
        self.before, self.day, self.today = self.day, day, Today()
        self.loader.session.execute(
            insert(BusinessDay).values(
                business_date=day.day, starts_at=day.starts_at, ends_at=day.ends_at, state="open"
            )
        )
        day.opened = DayOpened(
            **self.chain.event(),
            business_date=day.day,
            starts_at=day.starts_at,
            ends_at=day.ends_at,
        )

    def book(self, facts: Sequence[Fact]) -> None:
        """Blocks of the ordinary size; the first word of a task draws its price (R13)."""
        money = [fact for fact in facts if not isinstance(fact, Press)]
        for start in range(0, len(money), MOST):
            self._post(money[start : start + MOST])
        self.chain.load(self.loader)

    def settle(self, day: Chapter) -> None:
        """Close and pay a day that has ended, then write its sums."""
        if not day.last:
            night = Night(self.loader, self.books, self.chain, self.today, self.accounts)
            night.close(day)
            night.pay(day, [each.locale for each in self.chronicle.people], self.before)
        self._sums(day)
        day.said = self.said = self.chain.said

    def end(self) -> None:
        rows = [
            (
                each.id,
                each.name,
                each.balance_cents,
                each.last_seq,
                moment_text(each.opened_at),
            )
            for each in self.accounts.values()
        ]
        self.loader.load(Account, ACCOUNT, rows)
        priced: list[Row] = [(*key, tasks) for key, tasks in self.priced.items()]
        self.loader.load(PriceTotal, PRICED, priced)
        self.loader.session.execute(
            update(Head).values(
                last_entry_no=self.chain.entry_no,
                last_block_no=self.chain.block_no,
                last_hash=self.chain.hash,
                last_account_id=len(self.accounts),
                said=self.chain.said,
            )
        )

    # --- posting --------------------------------------------------------------------------------

    def _post(self, facts: Sequence[Job | Draw]) -> None:
        assert self.day is not None, "a day was opened"
        place = Place(self.day.day, _moment_of(facts[-1]) + HEARD)
        self._price(
            [fact.job for fact in facts if isinstance(fact, Draw) and fact.number == 1], place
        )
        for fact in facts:
            if isinstance(fact, Draw):
                self._fee(fact, place)
            else:
                self._reward(fact, place)
        self.chain.seal(place)

    def _price(self, jobs: Sequence[Job], place: Place) -> None:
        prices: list[Row] = []
        for job in jobs:
            price = price_of(UUID(bytes=job.key), self.price_key)
            job.fee_cents, job.reward_cents = price.fee_cents, price.reward_cents
            job.priced_at = place.at
            self.priced[("fee", price.fee_cents)] += 1
            self.priced[("reward", price.reward_cents)] += 1
            row = (job.id, price.fee_cents, price.reward_cents, self.chain.key_id, place.posted)
            prices.append(row)
        self.loader.load(TaskPrice, PRICE, prices)
        cards = [(job.id, job.number, job.title, job.jira_id, 1) for job in jobs]
        self.loader.load(Card, CARD, cards)
        self.chain.said += bool(jobs)  # TasksPriced

    def _fee(self, draw: Draw, place: Place) -> None:
        account, cents = self._account(draw.person, place), -draw.job.fee_cents
        self.chain.post(
            place, account, "fee", (draw.job.key, draw.job.id, draw.number), cents, draw.at
        )
        draw.entry_no = self.chain.entry_no
        self.today.fee(account.id, account.last_seq, draw.entry_no, cents)

    def _reward(self, job: Job, place: Place) -> None:
        account, cents, at = self._account(job.held_by, place), job.reward_cents, job.done_at
        assert at is not None, "only what is done is rewarded"
        self.chain.post(place, account, "reward", (job.key, job.id, 0), cents, at)
        job.reward_entry_no = self.chain.entry_no
        self.today.reward(account.id, account.last_seq, job.reward_entry_no, cents)

    def _account(self, person: int, place: Place) -> State:
        found = self.accounts.get(person)
        if found is None:
            id_ = self.chronicle.people[person].id
            found = State(len(self.accounts) + 1, id_, place.at)
            self.accounts[person] = found
        return found

    def _sums(self, day: Chapter) -> None:
        text = day.day.isoformat()
        self.loader.load(
            AccountDay,
            ACCOUNT_DAY,
            [
                (account, text, each.fee_cents, each.reward_cents, 0, each.payout_cents,
                 each.entries, each.first_seq, each.last_seq)
                for account, each in sorted(self.today.accounts.items())
            ],
        )  # fmt: skip
        totals = [
            (text, kind, each.amount_cents, each.entries, each.first_entry_no, each.last_entry_no)
            for kind, each in self.today.kinds.items()
        ]
        self.loader.load(DayTotal, TOTAL, totals)
        rewards = [
            (text, cents, each.entries, each.first_entry_no)
            for cents, each in self.today.rewards.items()
        ]
        self.loader.load(DayReward, REWARD, rewards)


def _moment_of(fact: Job | Draw) -> int:
    at = fact.at if isinstance(fact, Draw) else fact.done_at
    assert at is not None, "what is in a page has happened"
    return at
