"""Letters of the books, from figures that are frozen, so that a repeat has the same bytes.

The letter of a payout is born with it. The letter with a day's seal is born with its close: it
takes the seal out of the house, where nobody can change it together with the books.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import SQLColumnExpression, exists, func, select
from sqlalchemy.orm import Session

from ates.accounting.chain import BEFORE_ALL
from ates.accounting.keyring import Books
from ates.accounting.models import (
    Account,
    AccountDay,
    Block,
    BusinessDay,
    DayTotal,
    Entry,
    Payout,
    PayoutLetter,
    Person,
    SealLetter,
)
from ates.accounting.writing import bulk
from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.events import cause
from ates.kernel.mail import Letter, LetterState

TEMPLATE = "accounting/letters/payout.txt"
SEAL = "accounting/letters/seal.txt"
BOOKKEEPERS = (Role.ACCOUNTANT, Role.ADMIN)


def write(
    session: Session, books: Books, day: date, payouts: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Put a letter beside each of these payouts of `day`, in their transaction.

    Without an address it waits for one; the language is the person's at that moment.
    """
    accounts = [payout["account_id"] for payout in payouts]
    sums, counts = _sums(session, day, accounts), _counts(session, day, accounts)
    people = _people(session, accounts)
    previous = session.scalar(
        select(func.max(BusinessDay.business_date)).where(BusinessDay.business_date < day)
    )
    rows = []
    for payout in payouts:
        account = payout["account_id"]
        person, brought = people.get(account), sums[account]
        reached = person is not None and person.email is not None
        net = brought.fee_cents + brought.reward_cents + brought.adjustment_cents
        rows.append(
            {
                "business_date": day,
                "account_id": account,
                "locale": person.locale if person is not None and reached else None,
                "zone": books.zone.key,
                "previous_date": previous,
                "carried_cents": payout["amount_cents"] - net,
                "reward_cents": brought.reward_cents,
                "rewards": counts.get((account, "reward"), 0),
                "fee_cents": brought.fee_cents,
                "fees": counts.get((account, "fee"), 0),
                "adjustment_cents": brought.adjustment_cents,
                "adjustments": counts.get((account, "adjustment"), 0),
                "message_id": f"<payout.{day}.{account}@{books.domain}>",
                "state": LetterState.QUEUED if reached else LetterState.WAITING_ADDRESS,
                "attempts": 0,
                "doubts": 0,
                "made_at": now,
                "next_try_at": now if reached else None,
                "correlation_id": cause().correlation_id,
            }
        )
    bulk(session, PayoutLetter, rows)


def compose(session: Session, letter: PayoutLetter, books: Books) -> Letter | None:
    """What goes out; None as long as the person has no address."""
    payout = session.get_one(Payout, (letter.business_date, letter.account_id))
    person = session.scalar(
        select(Person)
        .join(Account, Account.person_id == Person.person_id)
        .where(Account.id == letter.account_id)
    )
    if person is None or person.email is None or letter.locale is None:
        return None
    values = {
        "day": letter.business_date,
        "zone": letter.zone,
        "amount_cents": payout.amount_cents,
        "previous_date": letter.previous_date,
        "carried_cents": letter.carried_cents,
        "reward_cents": letter.reward_cents,
        "rewards": letter.rewards,
        "fee_cents": letter.fee_cents,
        "fees": letter.fees,
        "adjustment_cents": letter.adjustment_cents,
        "adjustments": letter.adjustments,
        "address": f"{books.url.rstrip('/')}/accounting/me/statements/{letter.business_date}",
    }
    return Letter(person.email, letter.locale, TEMPLATE, values)


def write_seals(session: Session, books: Books, day: date) -> None:
    """Put a letter with the seal of `day` into the box for every accountant and admin of now, in
    the transaction that closed it. Written already is written."""
    if session.scalar(select(exists().where(SealLetter.business_date == day))):
        return
    now = clock.now()
    people = session.execute(select(Person.person_id, Person.locale).where(*_reached()))
    rows = [
        {
            "business_date": day,
            "person_id": person.person_id,
            "locale": person.locale,
            "message_id": f"<seal.{day}.{person.person_id}@{books.domain}>",
            "state": LetterState.QUEUED,
            "attempts": 0,
            "doubts": 0,
            "made_at": now,
            "next_try_at": now,
            "correlation_id": cause().correlation_id,
        }
        for person in people
    ]
    bulk(session, SealLetter, rows)


def compose_seal(session: Session, letter: SealLetter, books: Books) -> Letter | None:
    """What goes out; None for somebody who keeps the books no more, or has no address."""
    day = letter.business_date
    email = session.scalar(
        select(Person.email).where(Person.person_id == letter.person_id, *_reached())
    )
    if email is None:
        return None
    row = session.execute(
        select(BusinessDay, Block.hash)
        .outerjoin(Block, Block.block_no == BusinessDay.close_block_no)
        .where(BusinessDay.business_date == day)
    ).one()
    assert row.BusinessDay.seal is not None, "the letter is born with the close"
    values = {
        "day": day,
        "entry_no": row.BusinessDay.close_entry_no,
        "block_no": row.BusinessDay.close_block_no,
        "seal": row.BusinessDay.seal.hex(),
        "last_hash": (row.hash or BEFORE_ALL).hex(),
        "parked": row.BusinessDay.parked,
        "address": f"{books.url.rstrip('/')}/accounting/days/{day}",
        **_of_day(session, day),
    }
    return Letter(email, letter.locale, SEAL, values)


def _reached() -> Sequence[SQLColumnExpression[bool]]:
    return (Person.active, Person.role.in_(BOOKKEEPERS), Person.email.is_not(None))


def _of_day(session: Session, day: date) -> dict[str, int]:
    """Figures that stay as they were at the close: payouts are none of them."""
    kinds = ("fee", "reward", "adjustment")
    rows = session.execute(
        select(DayTotal.kind, DayTotal.amount_cents, DayTotal.entries).where(
            DayTotal.business_date == day, DayTotal.kind.in_(kinds)
        )
    ).all()
    late = session.scalar(
        select(func.count()).where(
            Entry.business_date == day, Entry.occurred_on < Entry.business_date
        )
    )
    cents = {row.kind: row.amount_cents for row in rows}
    return {
        **{f"{kind}_cents": cents.get(kind, 0) for kind in kinds},
        "entries": sum(row.entries for row in rows),
        "late": late or 0,
    }


def _sums(session: Session, day: date, accounts: Sequence[int]) -> dict[int, Any]:
    rows = session.execute(
        select(AccountDay.__table__).where(
            AccountDay.business_date == day, AccountDay.account_id.in_(accounts)
        )
    )
    return {row.account_id: row for row in rows}


def _counts(session: Session, day: date, accounts: Sequence[int]) -> dict[tuple[int, str], int]:
    """How many entries of each kind the day brought; found by its range of numbers."""
    within = (
        (Entry.account_id == AccountDay.account_id)
        & Entry.account_seq.between(AccountDay.first_seq, AccountDay.last_seq)
        & (Entry.business_date == AccountDay.business_date)
    )
    rows = session.execute(
        select(Entry.account_id, Entry.kind, func.count().label("entries"))
        .select_from(AccountDay)
        .join(Entry, within)
        .where(AccountDay.business_date == day, AccountDay.account_id.in_(accounts))
        .group_by(Entry.account_id, Entry.kind)
    )
    return {(row.account_id, row.kind): row.entries for row in rows}


def _people(session: Session, accounts: Sequence[int]) -> dict[int, Any]:
    rows = session.execute(
        select(Account.id, Person.email, Person.locale)
        .join(Person, Person.person_id == Account.person_id)
        .where(Account.id.in_(accounts))
    )
    return {row.id: row for row in rows}
