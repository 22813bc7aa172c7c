"""Posting: each fact once, in one transaction, a handful of statements for any number of facts."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from ates.accounting.models import Account, Block, Card, Entry, Head, TaskPrice
from ates.accounting.posting import Posting, TaskCard
from ates.contracts.accounting import DayOpened, EntriesPosted, TasksPriced
from ates.kernel import clock
from ates.kernel.errors import Hopeless, TooEarly
from tests.accounting.make import ARA, BIBI, COCO, Office, moment, said, task
from tests.engines.marks import both
from tests.engines.statements import statements

NOON = moment("27 12:00")


def test_every_assignment_charges_also_of_the_same_person_again(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(ARA, 1, 2, "27 10:00")
    first, second = office.entries()
    assert first.amount_cents == second.amount_cents == -2000
    assert second.balance_cents == -4000


def test_the_reward_goes_to_the_person_the_completion_names(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.fee(BIBI, 1, 2, "27 10:00")
    office.reward(ARA, 1, "27 09:59:59")
    assert office.balances() == {"Ara": 1100, "Bibi": -2000}


@both
def test_a_fact_again_changes_nothing_also_under_a_new_event_id(office: Office) -> None:
    for event_id in (1001, 1001, 1002):
        office.fee(ARA, 1, 1, "27 09:00", id=event_id, now="27 10:00")
    office.adjust(ARA, 300, "27 11:00", id=77)
    office.adjust(ARA, 300, "27 12:00", id=77)
    assert [entry.entry_no for entry in office.entries()] == [1, 2]
    assert office.scalar(select(Head.last_block_no)) == 2


@both
def test_a_conflict_is_told_with_both_sides_and_the_first_stays(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    office.reward(ARA, 1, "27 10:00")
    office.adjust(ARA, 300, "27 11:00", id=77)
    with pytest.raises(Hopeless, match=f"entry 1 for person {ARA} .* now comes for person {BIBI}"):
        office.fee(BIBI, 1, 1, "27 09:00", now="27 12:00")
    with pytest.raises(Hopeless, match=r"09:00:00.000000Z, and now .* 09:00:00.000001Z"):
        office.fee(ARA, 1, 1, "27 09:00:00.000001", now="27 12:00")
    with pytest.raises(Hopeless, match=r"reward of .* entry 2"):
        office.reward(BIBI, 1, "27 10:00", now="27 12:00")
    with pytest.raises(Hopeless, match=r"300 cents, and now .* 301 cents"):
        office.adjust(ARA, 301, "27 12:00", id=77)
    assert len(office.entries()) == 3


def test_one_key_with_two_contents_in_one_batch_raises_at_once(office: Office) -> None:
    with office.database.transaction() as session:
        posting = Posting(session, office.books)
        posting.fee(task(1), 1, to=ARA, cause=said(NOON, 1))
        posting.fee(task(1), 1, to=ARA, cause=said(NOON, 2))
        with pytest.raises(Hopeless, match="same batch"):
            posting.fee(task(1), 1, to=BIBI, cause=said(NOON, 3))


def test_a_failed_batch_leaves_no_trace(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    before = _everything(office)
    with pytest.raises(Hopeless), office.posting(NOON) as posting:  # noqa: PT012 - one batch
        posting.fee(task(2), 1, to=BIBI, cause=said(NOON, 2))
        posting.seen(task(3), TaskCard(version=1, title="Nest", jira_id=None, number=3))
        posting.fee(task(1), 1, to=BIBI, cause=said(NOON, 3))
    assert _everything(office) == before


def test_a_moment_to_come_is_tried_again_and_an_ancient_one_never(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 12:04:59", now="27 12:00")
    with pytest.raises(TooEarly):
        office.fee(ARA, 2, 1, "27 12:05:01", now="27 12:00")
    with pytest.raises(TooEarly):
        office.fee(ARA, 2, 1, "9999-12-31T23:59:59+00:00", now="27 12:00")
    with pytest.raises(Hopeless, match="1970"):
        office.fee(ARA, 2, 1, "1970-01-01T00:00:00+00:00", now="27 12:00")
    assert len(office.entries()) == 1


def test_a_fact_again_is_a_repetition_also_after_the_clock_went_back(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 12:00")
    office.fee(ARA, 1, 1, "27 12:00", now="27 10:00")
    assert len(office.entries()) == 1


def test_a_task_is_priced_when_it_is_first_heard_of(office: Office, said: list[Any]) -> None:
    with office.posting(NOON) as posting:
        posting.seen(task(1), TaskCard(version=1, title="Nest", jira_id="POPUG-1", number=1))
    office.reward(ARA, 2, "27 13:00")
    office.fee(ARA, 2, 1, "27 12:59", now="27 13:01")
    assert office.scalar(select(func.count()).select_from(TaskPrice)) == 2
    priced = [
        price.task_id for each in said if isinstance(each, TasksPriced) for price in each.prices
    ]
    assert priced == [task(1), task(2)]


def test_what_it_says_is_one_stream_without_a_gap(office: Office, said: list[Any]) -> None:
    with office.posting(NOON) as posting:
        posting.seen(task(1), TaskCard(version=1, title="Nest", jira_id=None, number=11))
    office.reward(ARA, 1, "27 13:00")
    office.fee(BIBI, 2, 1, "27 14:00")
    office.fee(BIBI, 2, 1, "27 14:00")
    assert [type(each) for each in said] == [
        TasksPriced,
        DayOpened,
        EntriesPosted,
        TasksPriced,
        EntriesPosted,
    ]
    assert [each.key_version for each in said] == [1, 2, 3, 4, 5]
    assert {each.ledger for each in said} == {"main"}
    assert [(card.number, card.title) for card in said[2].cards] == [(11, "Nest")]


def test_the_newest_card_and_person_win(office: Office) -> None:
    with office.posting(NOON) as posting:
        posting.seen(task(1), TaskCard(version=3, title="Third", jira_id="POPUG-1"))
        posting.seen(task(1), TaskCard(version=1, title="First", jira_id=None, number=1))
        posting.seen(task(1), TaskCard(version=1, title="First", jira_id=None, number=1))
        posting.seen(task(1), TaskCard(version=2, title="Second", jira_id=None))
    card = office.rows(select(Card.__table__))[0]
    assert (card.title, card.jira_id, card.number, card.version) == ("Third", "POPUG-1", 1, 3)


@both
def test_five_hundred_facts_take_a_handful_of_statements(office: Office) -> None:
    people = [UUID(int=number) for number in range(1, 41)]
    office.fee(ARA, 1, 1, "27 09:00")
    with statements(office.database.engine) as sent, office.posting(NOON) as posting:
        for number in range(500):
            who = people[number % 40]
            posting.fee(UUID(int=9000 + number), 1, to=who, cause=said(NOON, number + 1))
    assert 10 < len(sent) <= 18, sent
    assert office.scalar(select(func.count()).select_from(Entry)) == 501


@both
def test_a_block_has_at_most_five_hundred_entries(office: Office, said: list[Any]) -> None:
    with office.posting(NOON) as posting:
        for number in range(1201):
            posting.fee(UUID(int=9000 + number), 1, to=ARA, cause=_cause(number))
    blocks = office.rows(select(Block.first_entry_no, Block.last_entry_no).order_by(Block.block_no))
    assert [tuple(block) for block in blocks] == [(1, 500), (501, 1000), (1001, 1201)]
    assert [len(e.entries) for e in said if isinstance(e, EntriesPosted)] == [500, 500, 201]
    assert office.verify("new") == []


@both
def test_balances_are_the_same_for_any_order_and_any_batches(office: Office) -> None:
    """P4, on few facts; the state machine tries many."""
    facts = [(who, n, k) for n, who in enumerate((ARA, BIBI, COCO, ARA), 1) for k in (1, 2, 0)]
    for size in (5, len(facts)):
        for start in range(0, len(facts), size):
            with office.posting(NOON) as posting:
                for who, number, draw in reversed(facts[start : start + size]):
                    _note(posting, who, number, draw)
    balances = office.balances()
    assert len(office.entries()) == len(facts)
    assert sum(balances.values()) == sum(entry.amount_cents for entry in office.entries())


def test_accounts_are_numbered_by_first_appearance(office: Office) -> None:
    with office.posting(NOON) as posting:
        for who in (COCO, ARA, BIBI):
            posting.fee(task(1), who.int % 16 + 1, to=who, cause=_cause(who.int % 16))
    rows = office.rows(select(Account.id, Account.person_id).order_by(Account.id))
    assert [tuple(row) for row in rows] == [(1, COCO), (2, ARA), (3, BIBI)]


@both
def test_entry_numbers_are_dense_also_after_a_rollback(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    with pytest.raises(RuntimeError):
        _die_before_the_commit(office)
    office.fee(ARA, 3, 1, "27 13:00")
    assert [entry.entry_no for entry in office.entries()] == [1, 2]
    assert office.verify("new") == []


@pytest.mark.parametrize("cents", [True, 1.0, "100"])
def test_money_is_whole_cents(office: Office, cents: Any) -> None:
    with office.database.transaction() as session, pytest.raises(AssertionError):
        Posting(session, office.books).adjust(task(1), to=ARA, amount_cents=cents)


def _die_before_the_commit(office: Office) -> None:
    with clock.frozen(NOON), office.database.transaction() as session:
        posting = Posting(session, office.books)
        posting.fee(task(2), 1, to=ARA, cause=said(NOON, 7))
        posting.flush()
        raise RuntimeError("the machine dies")


def _note(posting: Posting, who: UUID, number: int, draw: int) -> None:
    cause = said(NOON + timedelta(seconds=draw), number * 10 + draw)
    if draw:
        posting.fee(task(number), draw, to=who, cause=cause)
    else:
        posting.reward(task(number), to=who, cause=cause)


def _cause(number: int) -> Any:
    return said(NOON, 100_000 + number)


def _everything(office: Office) -> list[Any]:
    models = (Entry, Account, Block, Head, TaskPrice, Card)
    return [office.rows(select(model.__table__)) for model in models]
