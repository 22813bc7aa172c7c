"""The panel of days, the hours of one, the trial balance and the journal, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import select

from ates.accounting.models import BusinessDay, Hold
from ates.accounting.queries.days import DayFigures, last_days
from ates.accounting.queries.hours import Hours, hours
from ates.accounting.queries.journal import VIEW, Journal, journal
from ates.accounting.queries.oneday import begun, one_day
from ates.accounting.queries.rows import Place, Scope
from ates.accounting.queries.trial import TrialBalance, trial_balance
from ates.kernel import ids
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, COCO, Office, books, moment, worked_example
from tests.engines.marks import both

NOW = moment("30 12:00")


def balance(office: Office, first: int | None = None, last: int | None = None) -> TrialBalance:
    with office.database.reading() as session:
        return trial_balance(session, first=_day(first), last=_day(last))


def _day(day: int | None) -> date | None:
    return date(2025, 3, day) if day else None


def cents(found: TrialBalance) -> dict[int, tuple[int, int]]:
    return {each.number: (each.debit_cents, each.credit_cents) for each in found.accounts}


# --- trial balance --------------------------------------------------------------------------------


@both
def test_the_trial_balance_of_the_worked_example(office: Office) -> None:
    """Debit 5000 163.00 + 5900 2.45 + 2000 15.00, credit 4000 134.00 + 1000 46.45: 180.45 each."""
    list(worked_example(office))
    found = balance(office)
    assert (found.debit_cents, found.credit_cents) == (18045, 18045)
    assert cents(found) == {
        1000: (0, 4645),
        2000: (1500, 0),
        4000: (0, 13400),
        5000: (16300, 0),
        5900: (245, 0),
    }
    assert [each.name for each in found.accounts][:2] == ["Cash", "Payable to popugs"]


@both
def test_the_trial_balance_of_closed_days_and_ranges(office: Office) -> None:
    """As summed by hand from the entries: up to a day, of one day, of two, of none."""
    list(worked_example(office))
    rows = office.entries()
    contra = {"fee": 4000, "reward": 5000, "payout": 1000, "adjustment": 5900}
    for first, last in ((None, 27), (None, 28), (None, 29), (28, 28), (28, 29), (29, None), (1, 9)):
        due = dict.fromkeys((1000, 2000, 4000, 5000, 5900), 0)
        for row in rows:
            if (first or 1) <= row.business_date.day <= (last or 31):
                due[2000] += row.amount_cents
                due[contra[row.kind]] -= row.amount_cents
        found = balance(office, first, last)
        assert cents(found) == {no: (max(0, -sum_), max(0, sum_)) for no, sum_ in due.items()}
        assert found.balanced


@both
def test_an_unbalanced_ledger_shows(office: Office) -> None:
    list(worked_example(office))
    unguard(office)
    alter(office, "UPDATE accounting_account SET balance_cents = balance_cents + 1 WHERE id = 1")
    assert not balance(office).balanced
    assert not balance(office, None, 28).balanced
    assert balance(office, 28, 28).balanced
    alter(office, "UPDATE accounting_account_day SET fee_cents = fee_cents - 1 WHERE account_id=1")
    assert not balance(office, 28, 28).balanced


# --- journal --------------------------------------------------------------------------------------


def journal_of(office: Office, scope: Scope | None = None, **narrow: object) -> Journal:
    given = {"user": None, "task": None} | narrow
    with office.database.reading() as session:
        return journal(session, scope or Scope(), Place(), **given)  # type: ignore[arg-type]


@both
def test_each_entry_is_a_debit_and_a_credit_of_the_same_amount(office: Office) -> None:
    list(worked_example(office))
    found = journal_of(office)
    assert [each.line.entry_no for each in found.bookings] == list(range(18, 0, -1))
    sides = {
        each.line.entry_no: [(s.account, s.debit_cents, s.credit_cents) for s in each.sides]
        for each in found.bookings
    }
    assert sides[1] == [(2000, 2000, 0), (4000, 0, 2000)]
    assert sides[3] == [(5000, 3900, 0), (2000, 0, 3900)]
    assert sides[4] == [(5900, 245, 0), (2000, 0, 245)]
    assert sides[14] == [(2000, 2800, 0), (1000, 0, 2800)]
    assert (
        found.debit_cents
        == found.credit_cents
        == sum(abs(e.amount_cents) for e in office.entries())
    )


@both
def test_the_journal_sums_to_the_trial_balance(office: Office) -> None:
    list(worked_example(office))
    net: dict[int, int] = {}
    for row in office.rows(select(VIEW)):
        account = row.ledger_account
        net[account] = net.get(account, 0) + row.credit_cents - row.debit_cents
    assert net == {each.number: each.cents for each in balance(office).accounts}


@both
def test_the_journal_is_narrowed_by_day_person_and_kind(office: Office) -> None:
    list(worked_example(office))

    def numbers(scope: Scope | None = None, **narrow: object) -> list[int]:
        return [each.line.entry_no for each in journal_of(office, scope, **narrow).bookings]

    assert numbers(Scope(kinds=("payout",))) == [18, 15, 14]
    assert numbers(Scope(first=_day(27), last=_day(27))) == [14, 4, 3, 2, 1]
    assert numbers(user=ARA) == [15, 13, 11, 9, 4, 1]
    assert numbers(Scope(kinds=())) == numbers(user=ids.new()) == []


# --- a day ----------------------------------------------------------------------------------------


@contextmanager
def hours_of(office: Office, day: int) -> Iterator[Hours]:
    with office.database.reading() as session:
        yield hours(session, begun(session, date(2025, 3, day), at=NOW), at=NOW)


@both
def test_the_hours_of_a_day_sum_to_its_figures(office: Office) -> None:
    list(worked_example(office))
    with hours_of(office, 28) as found:
        assert len(found.hours) == 24
        shown = {
            each.begins.hour: (each.entries("fee"), each.entries("reward"), each.income_cents)
            for each in found.hours
            if each.begins and each.sums
        }
        assert shown == {
            10: (2, 0, 2800), 12: (3, 0, 4800), 15: (0, 1, -3100), 18: (0, 1, -3500),
            23: (1, 0, 1400),
        }  # fmt: skip
        assert (found.late, found.differ_cents) == (None, 0)
    with hours_of(office, 29) as found:
        assert found.late is not None
        assert found.late.income_cents == -3500
        assert found.hours[0].income_cents == 1300
        assert found.differ_cents == 0


@both
def test_figures_that_are_not_the_sum_of_their_entries_show(office: Office) -> None:
    list(worked_example(office))
    unguard(office)
    day = "WHERE business_date = '2025-03-28' AND kind = 'fee'"
    alter(office, f"UPDATE accounting_day_total SET amount_cents = amount_cents - 100 {day}")
    with hours_of(office, 28) as found:
        assert found.differ_cents == -100


@both
def test_a_day_has_as_many_hours_as_its_zone_gives_it(office: Office) -> None:
    """30 March 2025 has 23 hours in Berlin, and Kolkata's days begin at half past the hour."""
    berlin = Office(office.database, books("Europe/Berlin"))
    berlin.fee(ARA, 1, 1, "2025-03-29T23:00:00+00:00")
    berlin.fee(ARA, 1, 2, "2025-03-30T21:59:59.999999+00:00")
    with office.database.reading() as session:
        figures = begun(session, date(2025, 3, 30), at=moment("31 12:00"))
        found = hours(session, figures, at=moment("31 12:00"))
    assert len(found.hours) == 23
    assert [each.entries("fee") for each in found.hours] == [1, *[0] * 21, 1]


def test_days_that_begin_at_half_past_an_hour_have_whole_hours(office: Office) -> None:
    kolkata = Office(office.database, books("Asia/Kolkata"))
    kolkata.fee(ARA, 1, 1, "2025-03-26T18:29:59+00:00")
    kolkata.fee(ARA, 1, 2, "2025-03-26T18:30:00+00:00")
    kolkata.fee(ARA, 1, 3, "2025-03-26T19:29:59.999999+00:00")
    with hours_of(office, 27) as found:
        assert found.hours[0].entries("fee") == 2
        assert len(found.hours) == 24


def figures_of(office: Office) -> dict[int, DayFigures]:
    with office.database.reading() as session:
        return {each.day.day: each for each in last_days(session, at=NOW)}


@both
def test_a_day_with_an_active_hold_is_shown_as_held_until_it_is_paid(office: Office) -> None:
    list(worked_example(office))
    office.fee(COCO, 9, 1, "30 10:00")
    assert [each.shown for each in figures_of(office).values()] == ["open", "paid", "paid", "paid"]
    for day in (29, 30):
        hold(office, day)
    assert [each.shown for each in figures_of(office).values()] == ["held", "paid", "paid", "paid"]
    hold(office, None)
    with office.database.transaction() as session:
        of = session.scalars(select(Hold).where(Hold.business_date == date(2025, 3, 30))).one()
        of.released_by, of.released_at = COCO, NOW
    assert figures_of(office)[30].shown == "open"


def hold(office: Office, day: int | None) -> None:
    with office.database.transaction() as session:
        made = Hold(id=ids.new(), reason="the receipts differ", held_by=ARA, held_at=NOW)
        made.business_date = _day(day)
        session.add(made)


@both
def test_payouts_entries_and_letters_of_a_day_are_compared(office: Office) -> None:
    list(worked_example(office))
    with office.database.reading() as session:
        found = one_day(session, date(2025, 3, 27), at=NOW)
    assert (found.payouts.people, found.payouts.cents, found.payouts.letters) == (1, 2800, 1)
    assert not found.paid_differ
    unguard(office)
    alter(office, "DELETE FROM accounting_letter WHERE business_date = '2025-03-27'")
    with office.database.reading() as session:
        assert one_day(session, date(2025, 3, 27), at=NOW).paid_differ
        assert not one_day(session, date(2025, 3, 28), at=NOW).paid_differ
        assert session.get_one(BusinessDay, date(2025, 3, 27)).state == "paid"
