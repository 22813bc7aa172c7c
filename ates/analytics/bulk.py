"""The sums of analytics for a company that is made by bulk, as its events would have made them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from ates.analytics.models import DayReward, DaySum, Head, Person, PersonDay, Task
from ates.contracts.chronicle import (
    SECOND,
    Chapter,
    Chronicle,
    Draw,
    Fact,
    Job,
    micros,
    moment,
)
from ates.kernel.bulk import Loader, Scribe

LIVE = 1  # generation
PERSON = ("generation", "person_id", "name", "version", "balance_cents", "entries")
PERSON_DAY = ("generation", "business_date", "person_id", "earned_cents", "net_cents")
TASK = ("generation", "task_id", "number", "title", "jira_id")


class Counter(Scribe):
    """Adds the facts up; accounting has put the amounts on them."""

    def __init__(self, loader: Loader, chronicle: Chronicle) -> None:
        self.loader, self.people = loader, chronicle.people
        self.balances = [0] * len(self.people)
        self.entries = [0] * len(self.people)
        self.earned: dict[int, int] = {}  # today, by person
        self.rewards: dict[int, list[object]] = {}  # today: cents -> tasks, the first and when
        self.fee_cents = self.reward_cents = self.facts = 0  # today
        self.total = self.key_version = self.posted_at = 0

    def write(self, facts: Sequence[Fact]) -> None:
        done = [fact for fact in facts if isinstance(fact, Job)]
        for fact in facts:
            if isinstance(fact, Draw):
                self._count(fact.person, -fact.job.fee_cents, fact.at)
                self.fee_cents -= fact.job.fee_cents
        for job in done:
            assert job.done_at is not None, "it is in the page because it is done"
            self._count(job.held_by, job.reward_cents, job.done_at)
            self.reward_cents += job.reward_cents
            known = self.rewards.setdefault(job.reward_cents, [0, job.id, job.done_at])
            known[0] = int(str(known[0])) + 1
        rows = [(LIVE, job.id, job.number, job.title, job.jira_id) for job in done]
        self.loader.load(Task, TASK, rows)

    def close(self, day: Chapter) -> None:
        text = day.day.isoformat()
        paid = dict(day.payouts)
        for person, cents in day.payouts:
            self.balances[person] -= cents
            self.entries[person] += 1
        rows = [
            (LIVE, text, str(self.people[each].id), self.earned.get(each, 0), net)
            for each in sorted({*self.earned, *paid})
            for net in [self.earned.get(each, 0) - paid.get(each, 0)]
        ]
        self.loader.load(PersonDay, PERSON_DAY, rows)
        self._day(day)
        self._rewards(day.day)
        self.total += self.facts + len(day.payouts)
        self.earned, self.rewards = {}, {}
        self.fee_cents = self.reward_cents = self.facts = 0

    def end(self) -> None:
        rows = [
            (LIVE, str(each.id), each.name, 1, balance, entries)
            for each, balance, entries in zip(self.people, self.balances, self.entries, strict=True)
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
        self.earned[person] = self.earned.get(person, 0) + cents
        self.facts += 1
        self.posted_at = max(self.posted_at, at)

    def _day(self, day: Chapter) -> None:
        closed, paid = day.closed, day.paid
        self.loader.session.add(
            DaySum(
                generation=LIVE,
                business_date=day.day,
                starts_at=day.starts_at,
                ends_at=day.ends_at,
                fee_cents=self.fee_cents,
                reward_cents=self.reward_cents,
                adjustment_cents=0,
                payout_cents=-sum(cents for _, cents in day.payouts),
                entries=self.facts + len(day.payouts),
                payouts=len(day.payouts),
                state="open" if closed is None else "paid",
                below_zero=closed.below_zero if closed else None,
                closed_by=closed.key_version if closed else None,
                paid_by=paid.key_version if paid else None,
            )
        )
        self.loader.session.flush()
        self.key_version = day.said
        if paid is not None:
            self.posted_at = micros(day.ends_at) + 600 * SECOND

    def _rewards(self, day: date) -> None:
        for cents, (tasks, first, at) in self.rewards.items():
            self.loader.session.add(
                DayReward(
                    generation=LIVE,
                    completed_on=day,
                    reward_cents=cents,
                    tasks=tasks,
                    first_task_id=UUID(str(first)),
                    first_completed_at=moment(int(str(at))),
                )
            )
        self.loader.session.flush()
