"""The night of a company made by bulk: a day is closed, and everybody who is owed is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from ates.accounting.bulk.blocks import Chain, Place, State
from ates.accounting.bulk.sums import OfAccount, Today
from ates.accounting.closing import seal_of
from ates.accounting.days import Borders
from ates.accounting.keyring import Books
from ates.accounting.models import BusinessDay, Payout, PayoutLetter
from ates.accounting.payout import BATCH
from ates.contracts.accounting import DayClosed, DayPaid
from ates.contracts.chronicle import SECOND, Chapter, micros, moment
from ates.kernel.bulk import Loader, Row
from ates.kernel.mail import LetterState

NIGHT = timedelta(minutes=10)  # from the end of a day to its payout

LETTER = (
    "business_date", "account_id", "locale", "zone", "previous_date", "carried_cents",
    "reward_cents", "rewards", "fee_cents", "fees", "adjustment_cents", "adjustments",
    "message_id", "state", "attempts", "doubts", "made_at", "sent_at", "reply",
)  # fmt: skip
PAYOUT = ("business_date", "account_id", "amount_cents", "entry_no")


@dataclass
class Night:
    """What follows the end of one day."""

    loader: Loader
    books: Books
    chain: Chain
    today: Today
    accounts: Mapping[int, State]  # by the person's number, in order of accounts

    def close(self, day: Chapter) -> None:
        chain, today = self.chain, self.today
        cents = [today.cents("fee"), today.cents("reward"), 0]
        borders = Borders(day.day, day.starts_at, day.ends_at)
        seal = seal_of(chain.key, borders, chain.entry_no, chain.hash, cents)
        self._move(
            day,
            state="closed",
            closed_at=day.ends_at + NIGHT,
            close_entry_no=chain.entry_no,
            close_block_no=chain.block_no,
            parked=0,
            seal=seal,
        )
        day.closed = DayClosed(
            **self.chain.event(),
            business_date=day.day,
            close_entry_no=chain.entry_no,
            fee_cents=cents[0],
            reward_cents=cents[1],
            adjustment_cents=0,
            entries=today.entries(),
            below_zero=sum(each.balance_cents < 0 for each in self.accounts.values()),
            parked=0,
            seal=seal.hex(),
        )

    def pay(self, day: Chapter, locales: Sequence[str], before: Chapter | None) -> None:
        """Everybody who is owed something, by account, a block at a time (R17)."""
        at = micros(day.ends_at + NIGHT) + SECOND
        due = [each for each in self.accounts.items() if each[1].balance_cents > 0]
        previous = before.day.isoformat() if before is not None else None
        for start in range(0, len(due), BATCH):
            place = Place(day.day, at + start * SECOND // BATCH)
            some = due[start : start + BATCH]
            letters = [
                self._letter(account, place, locales[person], previous) for person, account in some
            ]
            payouts = [self._payout(account, place) for _, account in some]
            day.payouts += [
                (person, row[2]) for (person, _), row in zip(some, payouts, strict=True)
            ]
            self.chain.seal(place)
            self.chain.load(self.loader)
            self.loader.load(Payout, PAYOUT, payouts)
            self.loader.load(PayoutLetter, LETTER, letters)
        cents = sum(each for _, each in day.payouts)
        self._move(day, state="paid", paid_at=moment(at), payouts=len(due), payout_cents=cents)
        day.paid = DayPaid(
            **self.chain.event(), business_date=day.day, payouts=len(due), payout_cents=cents
        )

    def _payout(self, account: State, place: Place) -> Row:
        cents, number = account.balance_cents, int(f"{place.day:%Y%m%d}")
        source = (account.person_id.bytes, account.name, number)
        self.chain.post(place, account, "payout", source, -cents, place.at)
        self.today.payout(account.id, account.last_seq, self.chain.entry_no, -cents)
        return place.text, account.id, cents, self.chain.entry_no

    def _letter(self, account: State, place: Place, locale: str, previous: str | None) -> Row:
        """As if it had been sent: nobody lives at these addresses."""
        brought = self.today.accounts.get(account.id) or OfAccount(0)
        return (
            place.text,
            account.id,
            locale,
            self.books.zone.key,
            previous,
            account.balance_cents - brought.fee_cents - brought.reward_cents,
            brought.reward_cents,
            brought.rewards,
            brought.fee_cents,
            brought.fees,
            0,
            0,
            f"<payout.{place.text}.{account.id}@{self.books.domain}>",
            str(LetterState.SENT),
            1,
            0,
            place.posted,
            place.posted,
            "250 made by bulk",
        )

    def _move(self, day: Chapter, **values: Any) -> None:
        self.loader.session.execute(
            update(BusinessDay)
            .where(BusinessDay.business_date == day.day)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
