"""The worked example of the books, to the cent and to the hash, on both databases."""

from datetime import date

from sqlalchemy import select

from ates.accounting import verify
from ates.accounting.models import AccountDay, Block, DayReward, DayTotal
from tests.accounting.make import ARA, BIBI, COCO, Office, worked_example
from tests.engines.marks import both

LEDGER = """
 1 Ara  fee        -20.00 -20.00 27 27
 2 Bibi fee        -11.00 -11.00 27 27
 3 Bibi reward      39.00  28.00 27 27
 4 Ara  adjustment   2.45 -17.55 27 27
 5 Coco fee        -17.00 -17.00 28 28
 6 Bibi fee        -11.00  17.00 28 28
 7 Coco fee        -20.00 -37.00 28 28
 8 Coco fee        -17.00 -54.00 28 28
 9 Ara  fee        -11.00 -28.55 28 28
10 Coco reward      31.00 -23.00 28 28
11 Ara  reward      35.00   6.45 28 28
12 Bibi fee        -14.00   3.00 28 28
13 Ara  fee        -13.00  -6.55 29 29
14 Bibi payout     -28.00 -25.00 27 27
15 Ara  payout      -6.45 -13.00 28 28
16 Coco reward      35.00  12.00 29 28
17 Bibi reward      23.00  -2.00 29 29
18 Coco payout     -12.00   0.00 29 29
"""
PEOPLE = {"Ara": ARA, "Bibi": BIBI, "Coco": COCO}


@both
def test_the_worked_example_to_the_cent_and_to_the_hash(office: Office) -> None:
    first, last = worked_example(office)

    posted = [
        (
            e.entry_no,
            e.person_id,
            e.kind,
            e.amount_cents,
            e.balance_cents,
            e.business_date.day,
            e.occurred_on.day,
        )
        for e in office.entries()
    ]
    assert posted == [
        (int(no), PEOPLE[who], kind, _cents(amount), _cents(balance), int(day), int(happened))
        for no, who, kind, amount, balance, day, happened in map(str.split, _lines(LEDGER))
    ]
    hashes = dict(office.rows(select(Block.block_no, Block.hash)))
    assert len(hashes) == 18
    assert hashes[1].hex().startswith("88959c71cff71f3a")
    assert hashes[18].hex().startswith("860016e9e09c5a5d")

    # The first run pays both days: due are 28.00 and 6.45, by current balances it were 3.00 and 0.
    assert [(day.day.day, day.standing.cents) for day in first.days] == [(27, 2800), (28, 645)]
    assert [(day.day.day, day.standing.cents) for day in last.days] == [(29, 1200)]
    assert (first.exit_code, last.exit_code) == (0, 0)

    assert office.balances() == {"Ara": -1300, "Bibi": -200, "Coco": 0}
    assert _carried(office, 27) == {"Ara": -1755, "Bibi": 0}
    assert _carried(office, 28) == {"Ara": 0, "Bibi": -2500, "Coco": -2300}
    assert _carried(office, 29) == {"Ara": -1300, "Bibi": -200, "Coco": 0}
    assert {day: _income(office, day) for day in (27, 28, 29)} == {27: -800, 28: 2400, 29: -4500}
    assert {day: _top(office, day) for day in (27, 28, 29)} == {
        27: (3900, 1),
        28: (3500, 2),
        29: (2300, 1),
    }
    with office.database.reading() as session:
        balance = verify.trial_balance(session)
    assert balance == {5000: -16300, 5900: -245, 2000: -1500, 4000: 13400, 1000: 4645}
    assert office.verify("new") == []
    assert office.verify("quick") == []


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _cents(amount: str) -> int:
    return round(float(amount) * 100)


def _carried(office: Office, day: int) -> dict[str, int]:
    """Balances as of a day, by summing."""
    rows = office.entries()
    wanted = date(2025, 3, day)
    return {
        name: sum(e.amount_cents for e in rows if e.person_id == id_ and e.business_date <= wanted)
        for name, id_ in PEOPLE.items()
        if any(e.person_id == id_ and e.business_date <= wanted for e in rows)
    }


def _income(office: Office, day: int) -> int:
    rows = office.rows(
        select(DayTotal.kind, DayTotal.amount_cents).where(
            DayTotal.business_date == date(2025, 3, day), DayTotal.kind.in_(("fee", "reward"))
        )
    )
    return -sum(int(row.amount_cents) for row in rows)


def _top(office: Office, day: int) -> tuple[int, int]:
    rows = office.rows(
        select(DayReward.reward_cents, DayReward.tasks)
        .where(DayReward.completed_on == date(2025, 3, day))
        .order_by(DayReward.reward_cents.desc())
    )
    return tuple(rows[0])


@both
def test_who_lost_money_on_the_28th(office: Office) -> None:
    list(worked_example(office))
    rows = office.rows(
        select(AccountDay.account_id).where(
            AccountDay.business_date == date(2025, 3, 28),
            AccountDay.fee_cents + AccountDay.reward_cents < 0,
        )
    )
    assert len(rows) == 2
