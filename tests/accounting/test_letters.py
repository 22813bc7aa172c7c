"""The letter of a payout: born with it, the same bytes at every try, in the receiver's language."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ates.accounting import gate
from ates.accounting.models import PayoutLetter
from ates.kernel.mail import LetterState
from ates.web.i18n import render_letter
from tests.accounting.make import ARA, BIBI, Office, moment, person, worked_example
from tests.engines.marks import both


def letters(office: Office) -> list[Any]:
    return office.rows(select(PayoutLetter.__table__).order_by(PayoutLetter.business_date))


def text_of(office: Office, day: int) -> tuple[str, str, str]:
    """Receiver, subject and body of the one letter of a day."""
    with office.database.reading() as session:
        row = session.scalars(
            select(PayoutLetter).where(PayoutLetter.business_date == date(2025, 3, day))
        ).one()
        letter = gate.compose(session, row)
    assert letter is not None
    return letter.to, *render_letter(letter.template, letter.locale, letter.values)


@both
def test_figures_are_frozen_with_the_payout(office: Office) -> None:
    list(worked_example(office))
    first, second, third = letters(office)
    assert first.message_id == "<payout.2025-03-27.2@popug.test>"
    assert (first.carried_cents, first.reward_cents, first.fee_cents) == (0, 3900, -1100)
    assert (first.rewards, first.fees, first.adjustments) == (1, 1, 0)
    assert (second.carried_cents, second.reward_cents, second.fee_cents) == (-1755, 3500, -1100)
    assert (third.carried_cents, third.reward_cents, third.fee_cents) == (-2300, 3500, 0)
    assert {row.state for row in letters(office)} == {LetterState.WAITING_ADDRESS}


@both
def test_a_letter_waits_for_the_address_and_takes_the_language_that_comes_with_it(
    office: Office,
) -> None:
    list(worked_example(office))
    office.meet(person(BIBI, locale="ru"), at="30 12:00")
    office.meet(person(ARA, email=None), at="30 12:00")
    states = {row.account_id: (row.state, row.locale) for row in letters(office)}
    waiting = ("waiting_address", None)
    assert states == {1: waiting, 2: ("queued", "ru"), 3: waiting}
    assert letters(office)[0].next_try_at is not None


def test_a_known_person_gets_it_queued_at_once(office: Office) -> None:
    office.meet(person(BIBI, locale="ru"))
    list(worked_example(office))
    row = letters(office)[0]
    assert (row.state, row.locale) == ("queued", "ru")


def test_what_it_says(office: Office) -> None:
    office.meet(person(ARA), person(BIBI))
    list(worked_example(office))
    assert text_of(office, 28) == (
        "ara@popug.test",
        "aTES: your payout for 28 March",
        """You are paid $6.45 for 28 March (UTC).

  Carried over from 27 Mar             −$17.55
  Rewards, 1 task                      +$35.00
  Fees, 1 assignment                   −$11.00
  Left on the account                    $0.00

http://127.0.0.1:8000/accounting/me/statements/2025-03-28
""",
    )


def test_amounts_and_days_are_written_as_the_language_does(office: Office) -> None:
    office.meet(person(ARA, locale="ru"))
    list(worked_example(office))
    _, subject, body = text_of(office, 28)
    assert "28 марта" in subject
    assert "6,45\u00a0$" in body
    assert "−17,55\u00a0$" in body


def test_corrections_have_a_line_of_their_own(office: Office) -> None:
    office.meet(person(ARA))
    office.reward(ARA, 1, "27 09:00")
    office.adjust(ARA, -500, "27 10:00", id=77)
    office.run("28 00:10")
    assert "Corrections, 1                        −$5.00" in text_of(office, 27)[2]


def test_a_repeat_has_the_same_bytes_whatever_happened_since(office: Office) -> None:
    office.meet(person(ARA), person(BIBI))
    list(worked_example(office))
    row = letters(office)[0]
    before = text_of(office, 27), row.message_id, row.made_at
    office.meet(person(BIBI, version=2, name="Bibigon", locale="ru"), at="30 12:00")
    office.reward(BIBI, 6, "30 13:00")
    office.run("31 00:10")
    row = letters(office)[0]
    assert (text_of(office, 27), row.message_id, row.made_at) == before


def test_a_person_whose_address_was_erased_gets_none(office: Office) -> None:
    office.meet(person(BIBI))
    list(worked_example(office))
    office.meet(person(BIBI, version=2, email=None), at="30 12:00")
    with office.database.reading() as session:
        row = session.scalars(select(PayoutLetter).order_by(PayoutLetter.business_date)).first()
        assert row is not None
        assert gate.compose(session, row) is None


def test_many_letters_have_one_message_id_each(office: Office) -> None:
    people = 1200  # three batches
    with office.posting(moment("27 12:00")) as posting:
        for number in range(people):
            posting.adjust(UUID(int=number + 1), to=UUID(int=9000 + number), amount_cents=100)
    office.run("28 00:10")
    assert len({row.message_id for row in letters(office)}) == people
