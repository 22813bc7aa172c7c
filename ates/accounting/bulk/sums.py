"""What one business day brings accounts and kinds, while its entries come."""

from dataclasses import dataclass, field

from ates.contracts.accounting import Kind


@dataclass(slots=True)
class OfAccount:
    """A row of `account_day` in the making; the counts are for the letter."""

    first_seq: int
    last_seq: int = 0
    fee_cents: int = 0
    reward_cents: int = 0
    payout_cents: int = 0
    fees: int = 0
    rewards: int = 0

    @property
    def entries(self) -> int:
        return self.last_seq - self.first_seq + 1


@dataclass(slots=True)
class OfKind:
    """A row of `day_total`, or of the histogram of rewards, in the making."""

    first_entry_no: int
    last_entry_no: int = 0
    amount_cents: int = 0
    entries: int = 0

    def add(self, entry_no: int, cents: int) -> None:
        self.last_entry_no = entry_no
        self.amount_cents += cents
        self.entries += 1


@dataclass
class Today:
    """All sums of a day."""

    accounts: dict[int, OfAccount] = field(default_factory=dict)  # by account
    kinds: dict[Kind, OfKind] = field(default_factory=dict)
    rewards: dict[int, OfKind] = field(default_factory=dict)  # by cents

    def fee(self, account: int, seq: int, entry_no: int, cents: int) -> None:
        row = self._of(account, seq)
        row.fee_cents += cents
        row.fees += 1
        self._kind("fee", entry_no).add(entry_no, cents)

    def reward(self, account: int, seq: int, entry_no: int, cents: int) -> None:
        row = self._of(account, seq)
        row.reward_cents += cents
        row.rewards += 1
        self._kind("reward", entry_no).add(entry_no, cents)
        known = self.rewards.get(cents)
        if known is None:
            known = self.rewards[cents] = OfKind(entry_no)
        known.add(entry_no, cents)

    def payout(self, account: int, seq: int, entry_no: int, cents: int) -> None:
        self._of(account, seq).payout_cents += cents
        self._kind("payout", entry_no).add(entry_no, cents)

    def cents(self, kind: Kind) -> int:
        return self.kinds[kind].amount_cents if kind in self.kinds else 0

    def entries(self) -> int:
        return sum(each.entries for each in self.kinds.values())

    def _of(self, account: int, seq: int) -> OfAccount:
        row = self.accounts.get(account)
        if row is None:
            row = self.accounts[account] = OfAccount(seq)
        row.last_seq = seq
        return row

    def _kind(self, kind: Kind, entry_no: int) -> OfKind:
        row = self.kinds.get(kind)
        if row is None:
            row = self.kinds[kind] = OfKind(entry_no)
        return row
