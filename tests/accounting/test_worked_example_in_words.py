"""Chapter 17 of the books as it is told: through the log, with the parked event and its repair."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from ates.accounting import payout
from ates.accounting.models import Block
from ates.accounting.report import Report
from ates.analytics.queries.board import Asked, Board, board
from ates.analytics.queries.periods import Grain
from ates.kernel.delivery import Drain
from ates.kernel.tables import event_log
from tests.accounting.machine import plain
from tests.accounting.machine.rows import read
from tests.accounting.machine.rules import ask
from tests.accounting.machine.world import World
from tests.accounting.make import ARA, BIBI, COCO, moment, task
from tests.engines.marks import both

NAMES = {ARA: "Ara", BIBI: "Bibi", COCO: "Coco"}


@dataclass
class Story:
    """The books of March 2025, told act by act; each event is a block of its own."""

    world: World
    runs: list[Report] = field(default_factory=list)

    def at(self, when: str) -> None:
        self.world.now = moment(when)

    def draws(self, when: str, number: int, who: UUID, id: int) -> None:
        self.at(when)
        self.world.assign(number, who)
        self._heard(id)

    def done(self, when: str, number: int, who: UUID, id: int) -> None:
        self.at(when)
        self.world.complete(number, who)
        self._heard(id)

    def odd(self, when: str, number: int, who: UUID, id: int) -> None:
        """The event that is parked: somebody sets it aside before it is read."""
        self.at(when)
        self.world.complete(number, who)
        self._named(id)
        self.world.park()
        self.world.hear()

    def repaired(self, when: str) -> None:
        self.at(when)
        self.world.again()
        self.world.hear()

    def corrects(self, when: str, who: UUID, cents: int, id: int) -> None:
        self.at(when)
        self.world.adjust(who, cents, id=id - 7_000_000)

    def runs_at(self, when: str) -> None:
        self.at(when)
        with self.world.running():
            report = payout.run(self.world.database, self.world.books, payout.Limits())
        self.runs.append(report)

    def looked_at(self, when: str, grain: Grain = Grain.DAY) -> Board:
        """The page of analytics at a moment."""
        self.at(when)
        world = self.world
        with world.running():
            Drain(world.database, world.app.extensions["ates.inboxes"]["analytics"]).run()
            asked = Asked(grain, date(2025, 3, 27), date(2025, 3, 29))
            with world.database.reading() as session:
                return board(session, asked, world.books.zone, at=world.now)

    def _heard(self, id: int) -> None:
        self._named(id)
        self.world.hear()

    def _named(self, id: int) -> None:
        """Give the newest event the id of the text."""
        self.world.number()
        said = self.world.said
        old = list(said)[-1]
        said[UUID(int=id)] = said.pop(old)
        with self.world.database.transaction() as session:
            session.execute(
                update(event_log).where(event_log.c.event_id == old).values(event_id=UUID(int=id))
            )


@pytest.fixture
def story(world: World) -> Story:
    return Story(world)


@both
def test_the_worked_example_reads_like_the_text(story: Story) -> None:
    # Thursday, 27 March.
    story.draws("27 09:00", 1, ARA, 1001)
    story.draws("27 09:05", 2, BIBI, 1002)
    story.done("27 16:00", 2, BIBI, 1003)
    story.corrects("27 17:00", ARA, 245, 77)  # "vet, receipt 118"
    # The night to the 28th is missed.
    story.draws("28 10:00", 3, COCO, 1004)
    story.draws("28 10:10", 4, BIBI, 1005)
    # A shuffle at noon: Coco gets the third task again and pays again.
    story.draws("28 12:00", 1, COCO, 1006)
    story.draws("28 12:00", 3, COCO, 1007)
    story.draws("28 12:00", 4, ARA, 1008)
    story.done("28 15:00", 1, COCO, 1009)
    story.done("28 18:00", 4, ARA, 1010)
    story.odd("28 23:59:40", 3, COCO, 1011)  # parked
    story.draws("28 23:59:59.999999", 5, BIBI, 1012)
    story.draws("29 00:00", 6, ARA, 1013)

    # The run of the 29th pays both days and exits 3: one is parked.
    story.runs_at("29 00:10")
    (first,) = story.runs
    assert [(day.day.day, day.standing.cents) for day in first.days] == [(27, 2800), (28, 645)]
    assert (first.exit_code, first.parked) == (3, 1)
    assert payouts(story) == [(27, "Bibi", 2800), (28, "Ara", 645)]
    assert story.looked_at("29 00:11").below_zero == 3

    story.repaired("29 10:00")
    story.done("29 11:00", 5, BIBI, 1014)
    story.runs_at("30 00:10")
    assert story.runs[1].exit_code == 0
    assert payouts(story)[2:] == [(29, "Coco", 1200)]

    ask([each for each in story.world.rest() if not each.startswith("P13 no event")])
    carried_forward(story)
    figures(story)
    trial_balance(story)
    golden_vectors(story)


def carried_forward(story: Story) -> None:
    entries = read(story.world.database).entries
    found = {
        day: {NAMES[who]: c for who, c in plain.as_of(entries, date(2025, 3, day)).items()}
        for day in (27, 28, 29)
    }
    assert found == {
        27: {"Ara": -1755, "Bibi": 0},
        28: {"Ara": 0, "Bibi": -2500, "Coco": -2300},
        29: {"Ara": -1300, "Bibi": -200, "Coco": 0},
    }


def figures(story: Story) -> None:
    """Income, top, lost money, below zero: as the page of analytics shows them."""
    days = story.looked_at("30 00:11")
    income = {each.period.first.day: each.income_cents for each in days.periods}
    assert income == {27: -800, 28: 2400, 29: -4500}
    tops = {
        period.first.day: (top.task.reward_cents, top.task.task_id, top.tasks)
        for period, _, top in days.tops
        if top is not None
    }
    assert tops == {27: (3900, task(2), 1), 28: (3500, task(4), 2), 29: (2300, task(5), 1)}
    lost = {each.period.first.day: each.day.lost for each in days.periods if each.day}
    assert lost[28] == 2
    assert days.below_zero == 2
    for grain, named in ((Grain.WEEK, date(2025, 3, 24)), (Grain.MONTH, date(2025, 3, 1))):
        ((period, _, top),) = story.looked_at("30 00:11", grain).tops
        assert top is not None
        assert (period.first, top.task.reward_cents, top.tasks) == (named, 3900, 1)


def trial_balance(story: Story) -> None:
    """Both sides sum to 180.45."""
    with story.world.database.reading() as session:
        journal = session.execute(
            text(
                "SELECT ledger_account, SUM(debit_cents) AS debit, SUM(credit_cents) AS credit"
                " FROM accounting_journal GROUP BY ledger_account"
            )
        ).all()
    net = {row.ledger_account: int(row.credit - row.debit) for row in journal}
    assert net == {5000: -16300, 5900: -245, 2000: -1500, 4000: 13400, 1000: 4645}
    assert sum(cents for cents in net.values() if cents > 0) == 18045
    assert sum(cents for cents in net.values() if cents < 0) == -18045


def golden_vectors(story: Story) -> None:
    with story.world.database.reading() as session:
        hashes = dict(session.execute(select(Block.block_no, Block.hash)).all())
    assert len(hashes) == 18
    assert hashes[1].hex().startswith("88959c71cff71f3a")
    assert hashes[18].hex().startswith("860016e9e09c5a5d")


def payouts(story: Story) -> list[tuple[int, str, int]]:
    return [
        (e.business_date.day, NAMES[e.person_id], -e.amount_cents)
        for e in read(story.world.database).entries
        if e.kind == "payout"
    ]
