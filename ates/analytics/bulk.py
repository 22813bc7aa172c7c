"""The sums of analytics for a company that is made by bulk, as its events would have made them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from ates.analytics.models import (
    DayBelow,
    DayReward,
    DaySum,
    Head,
    MinuteSum,
    MomentSum,
    Person,
    PersonDay,
    Task,
)
from ates.analytics.sums import RECENT
from ates.contracts.chronicle import (
    SECOND,
    Chapter,
    Chronicle,
    Draw,
    Fact,
    Job,
    micros,
    moment,
    moment_text,
)
from ates.kernel.bulk import Loader, Row, Scribe

LIVE = 1  # generation
NIGHT = 600 * SECOND
BELOW = ("generation", "business_date", "person_id", "balance_cents")
MINUTE = ("generation", "business_date", "began_at", "earned_cents")
MOMENT = ("generation", "business_date", "occurred_at", "earned_cents")
PERSON = ("generation", "person_id", "name", "version", "balance_cents", "entries")
PERSON_DAY = ("generation", "business_date", "person_id", "earned_cents", "net_cents")
TASK = (
    "generation", "task_id", "person_id", "reward_cents", "completed_on", "completed_at", "number",
    "title", "jira_id",
)  # fmt: skip


@dataclass
class Today:
    """What one day brings, by person, by moment and by reward."""

    text: str
    recent: bool  # its moments are kept
    fee_cents: int = 0
    reward_cents: int = 0
    entries: int = 0
    earned: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    moments: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    tasks: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by reward
    first: dict[int, tuple[int, str, int]] = field(default_factory=dict)  # when, which, who

    def add(self, person: int, cents: int, at: int) -> None:
        self.earned[person] += cents
        self.entries += 1
        if self.recent:
            self.moments[at] += cents

    def minutes(self) -> dict[int, int]:
        found: dict[int, int] = defaultdict(int)
        for at, cents in self.moments.items():
            found[at - at % (60 * SECOND)] += cents
        return found


class Counter(Scribe):
    """Adds the facts up; accounting has put the amounts on them."""

    def __init__(self, loader: Loader, chronicle: Chronicle) -> None:
        self.loader, self.chronicle = loader, chronicle
        self.people = [str(each.id) for each in chronicle.people]
        self.balances = [0] * len(self.people)
        self.entries = [0] * len(self.people)
        self.today = Today("", recent=False)
        self.total = self.key_version = self.posted_at = 0

    def open(self, day: Chapter) -> None:
        old = self.chronicle.last_day - timedelta(days=RECENT)
        self.today = Today(day.day.isoformat(), recent=day.day > old)

    def write(self, facts: Sequence[Fact]) -> None:
        done: list[Row] = []
        for fact in facts:
            if isinstance(fact, Draw):
                self._count(fact.person, -fact.job.fee_cents, fact.at)
                self.today.fee_cents -= fact.job.fee_cents
            elif isinstance(fact, Job):
                done.append(self._reward(fact))
        self.loader.load(Task, TASK, done)

    def close(self, day: Chapter) -> None:
        today, paid = self.today, dict(day.payouts)
        if day.closed is not None:
            below = [(LIVE, today.text, self.people[who], cents) for who, cents in self._below()]
            self.loader.load(DayBelow, BELOW, below)
        rows = [
            (LIVE, today.text, self.people[who], today.earned.get(who, 0), net)
            for who in {**today.earned, **paid}
            for net in [today.earned.get(who, 0) - paid.get(who, 0)]
        ]
        self.loader.load(PersonDay, PERSON_DAY, rows)
        for model, names, sums in (
            (MinuteSum, MINUTE, today.minutes()),
            (MomentSum, MOMENT, today.moments),
        ):
            timed = [(LIVE, today.text, moment_text(at), cents) for at, cents in sums.items()]
            self.loader.load(model, names, timed)
        self._sum_up(day)
        for who, cents in day.payouts:
            self.balances[who] -= cents
            self.entries[who] += 1
        self.total += today.entries + len(day.payouts)
        self.key_version = day.said

    def end(self) -> None:
        rows = [
            (LIVE, str(each.id), each.name, 1, self.balances[who], self.entries[who])
            for who, each in enumerate(self.chronicle.people)
        ]
        self.loader.load(Person, PERSON, rows)
        self.loader.session.add(
            Head(
                generation=LIVE,
                key_version=self.key_version,
                entry_no=self.total,
                posted_at=moment(self.posted_at),
            )
        )
        self.loader.session.flush()

    def _count(self, person: int, cents: int, at: int) -> None:
        self.balances[person] += cents
        self.entries[person] += 1
        self.today.add(person, cents, at)
        self.posted_at = at

    def _reward(self, job: Job) -> Row:
        assert job.done_at is not None, "it is in the page because it is done"
        person, cents, today = job.held_by, job.reward_cents, self.today
        self._count(person, cents, job.done_at)
        today.reward_cents += cents
        today.tasks[cents] += 1
        today.first.setdefault(cents, (job.done_at, job.id, person))
        at = moment_text(job.done_at)
        return (
            LIVE, job.id, self.people[person], cents, today.text, at, job.number, job.title,
            job.jira_id,
        )  # fmt: skip

    def _below(self) -> list[tuple[int, int]]:
        return [(who, cents) for who, cents in enumerate(self.balances) if cents < 0]

    def _sum_up(self, day: Chapter) -> None:
        today, closed, paid = self.today, day.closed, day.paid
        rows: list[DaySum | DayReward] = [
            DaySum(
                generation=LIVE,
                business_date=day.day,
                starts_at=day.starts_at,
                ends_at=day.ends_at,
                fee_cents=today.fee_cents,
                reward_cents=today.reward_cents,
                adjustment_cents=0,
                payout_cents=-sum(cents for _, cents in day.payouts),
                entries=today.entries + len(day.payouts),
                payouts=len(day.payouts),
                state="open" if closed is None else "paid",
                below_zero=closed.below_zero if closed else None,
                lost=sum(cents < 0 for cents in today.earned.values()) if closed else None,
                closed_by=closed.key_version if closed else None,
                paid_by=paid.key_version if paid else None,
            )
        ]
        for cents, (at, task, who) in today.first.items():
            reward = DayReward(
                generation=LIVE,
                completed_on=day.day,
                reward_cents=cents,
                tasks=today.tasks[cents],
                first_task_id=UUID(task),
                first_person_id=UUID(self.people[who]),
                first_completed_at=moment(at),
            )
            rows.append(reward)
        self.loader.session.add_all(rows)
        self.loader.session.flush()
        if paid is not None:
            self.posted_at = micros(day.ends_at) + NIGHT
