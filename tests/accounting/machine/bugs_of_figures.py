"""Bugs of figures and of letters (books.md, chapter 16), each with its shortest trace."""

from typing import Any

from ates.accounting.queries.days import DayFigures
from ates.analytics.models import PersonDay
from ates.analytics.queries import board, figures, periods, tops
from ates.analytics.sums import Sums
from ates.kernel import mail
from tests.accounting.machine.bugs_of_nights import night
from tests.accounting.machine.planting import Bug, Do, changed, together
from tests.accounting.make import ARA, BIBI

SIGN = ("-(self.fee_cents + self.reward_cents)", "self.fee_cents + self.reward_cents")
OWN_SIGN = (
    "-(self.fee.amount_cents + self.reward.amount_cents)",
    "self.fee.amount_cents + self.reward.amount_cents",
)


def one_fee(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("look")


def a_payout(do: Do) -> None:
    do("complete", 1, ARA)
    do("hear")
    night(do)
    do("look")


def a_correction(do: Do) -> None:
    do("adjust", ARA, 99)
    do("look")


def done_late(do: Do) -> None:
    do("adjust", ARA, 99)
    night(do)
    do("complete", 1, ARA, ago=600)
    do("hear")
    do("look")


def the_same_reward_on_two_days(do: Do) -> None:
    """The third and the fourth task both bring 35 dollars."""
    do("complete", 3, ARA)
    do("wait", 1500)
    do("complete", 4, ARA)
    do("hear")
    do("look")


def a_debt_of_yesterday(do: Do) -> None:
    do("assign", 1, ARA)
    do("hear")
    do("wait", 1500)
    do("adjust", BIBI, 99)
    do("look")


def a_word_is_lost(do: Do) -> None:
    """Somebody decides that analytics need not hear that a day was paid."""
    do("adjust", ARA, 99)
    night(do)
    do("lose", "accounting.day_paid")
    do("adjust", ARA, 99)
    do("look")


def a_letter_in_doubt(do: Do) -> None:
    do("meet", ARA)
    do("adjust", ARA, 99)
    do("hear")
    night(do)
    do("send", "drop_after")
    do("wait", 16)
    do("send")


def a_letter_that_was_lost(do: Do) -> None:
    do("meet", ARA)
    do("adjust", ARA, 99)
    do("hear")
    night(do)
    do("send", "drop_before")


BUGS = [
    Bug("sign of income, overview", "P20", changed(DayFigures, "income_cents", OWN_SIGN), one_fee),
    Bug(
        "sign of income, analytics",
        "P20",
        together(
            changed(figures.DayFigures, "income_cents", SIGN),
            changed(figures.PeriodFigures, "income_cents", SIGN),
        ),
        one_fee,
    ),
    Bug(
        "payouts in the income",
        "P20",
        changed(
            DayFigures,
            "income_cents",
            ("self.reward.amount_cents", "self.reward.amount_cents + self.payout.amount_cents"),
        ),
        a_payout,
    ),
    Bug(
        "adjustments in the income",
        "P20",
        changed(
            DayFigures,
            "income_cents",
            ("self.reward.amount_cents", "self.reward.amount_cents + self.adjustment.amount_cents"),
        ),
        a_correction,
    ),
    Bug(
        "top by business date",
        "P20",
        changed(Sums, "_reward", ("entry.occurred_on", "entry.business_date")),
        done_late,
    ),
    Bug(
        "ties of one day only",
        "P20",
        changed(tops, "_top", ("sum(each.tasks for each in tied)", "tied[0].tasks")),
        the_same_reward_on_two_days,
    ),
    Bug(
        "weeks from Sunday",
        "P20",
        changed(periods, "period_of", ("day.weekday()", "(day.weekday() + 1) % 7")),
        one_fee,
    ),
    Bug(
        "below zero from today's net",
        "P20",
        changed(
            board,
            "_counts",
            (
                "where(of, Person.balance_cents < 0)",
                "where(PersonDay.generation == generation, PersonDay.net_cents < 0,"
                " PersonDay.business_date =="
                " select(func.max(PersonDay.business_date)).scalar_subquery())",
            ),
            PersonDay=PersonDay,
        ),
        a_debt_of_yesterday,
    ),
    Bug(
        "key_version unchecked",
        "P20",
        changed(Sums, "add", ("event.key_version != self.key_version + 1", "False")),
        a_word_is_lost,
    ),
    # Mail
    Bug(
        "new Message-ID on retry",
        "P14",
        changed(
            mail.Post,
            "_claim_row",
            ("body, row.message_id,", "body, row.message_id.replace('@', f'.{row.attempts}@'),"),
        ),
        a_letter_in_doubt,
    ),
    Bug(
        "unknown taken as sent",
        "P14",
        changed(
            mail.Post,
            "settle",
            (
                "outcome.verdict is post.Verdict.SENT:",
                "outcome.verdict in (post.Verdict.SENT, post.Verdict.DOUBT):",
            ),
        ),
        a_letter_that_was_lost,
    ),
]


def every(*lists: Any) -> list[Bug]:
    """All bugs in one list; their names are different."""
    found = [bug for each in lists for bug in each]
    assert len({bug.name for bug in found}) == len(found)
    return found
