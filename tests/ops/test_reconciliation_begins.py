"""The reconciliation of books that are about to begin."""

import json
from collections.abc import Callable

from flask import Flask

from tests.engines.marks import both
from tests.engines.people import Visitor

from .firm import FIRST, SECOND, Firm, at, people_of

SignIn = Callable[..., Visitor]


@both
def test_what_happened_before_the_books_counts_in_their_first_day(
    app: Flask, sign_in: SignIn
) -> None:
    """An assignment of the day before is heard after the fact that opened the books."""
    firm = Firm(app)
    with at(f"{FIRST}T08:00+00:00"):
        sign_in("employee")
    firm.people = people_of(firm)
    firm.hear(f"{FIRST}T08:00+00:00")
    firm.create(1, f"{SECOND}T09:00+00:00")
    firm.hear(f"{SECOND}T09:00:01+00:00")
    firm.create(1, f"{FIRST}T22:00+00:00")
    firm.hear(f"{SECOND}T09:00:02+00:00")
    done = firm.say("ops", "reconcile", "--json")
    assert done.exit_code == 0, done.stdout
    (day,) = json.loads(done.stdout)["days"]
    assert (day["day"], day["tracker"]["assignments"], day["ledger"]["fees"]) == (SECOND, 2, 2)


def test_books_without_a_day_have_nothing_to_compare(app: Flask, sign_in: SignIn) -> None:
    assert "No day yet." in sign_in("accountant").get("/ops/reconciliation").text
    done = app.test_cli_runner().invoke(args=("ops", "reconcile"))
    assert (done.exit_code, done.stdout) == (
        0,
        "Tracker, ledger and analytics agree: 0 days.\n",
    )
