"""The books for programs: who may ask what, signs, filters, pages, and the own account alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from ates.accounting.models import Account, Entry
from ates.contracts.auth import Role
from ates.kernel import clock, db, ids
from tests.accounting.paper import (
    BEFORE,
    NOON,
    OTHER,
    TODAY,
    YESTERDAY,
    Desk,
    Paper,
    open_desk,
    three_days,
)

ROOT = "/api/v1/accounting"
OWN = ["/me", "/me/entries", "/payouts?person=me"]
OTHERS = ["/entries", "/accounts", "/days", "/payouts", f"/payouts?person={OTHER}"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Nothing here writes: one set of books serves all."""
    opened = open_desk(Path(tmp_path_factory.mktemp("desk")))
    with clock.frozen(NOON):
        three_days(opened, ME)
    yield opened
    with opened.app.app_context():
        db.database("accounting").close()


ME = UUID(int=0xA0)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def caller(desk: Desk, role: Role, **about: Any) -> FlaskClient:
    return desk.caller(role, **about)[0]


def ask(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(ROOT + path)
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.fixture
def accountant(desk: Desk) -> FlaskClient:
    return caller(desk, Role.ACCOUNTANT)


@pytest.fixture
def myself(desk: Desk) -> FlaskClient:
    return caller(desk, Role.EMPLOYEE, id=ME)


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", OWN)
def test_everybody_may_ask_for_the_own(desk: Desk, role: Role, path: str) -> None:
    ask(caller(desk, role), path)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", OTHERS)
def test_accountants_and_admins_alone_see_everybody(desk: Desk, role: Role, path: str) -> None:
    may = role in (Role.ACCOUNTANT, Role.ADMIN)
    ask(caller(desk, role), path, 200 if may else 403)


def test_nobody_asks_without_a_token(desk: Desk) -> None:
    for path in OWN + OTHERS:
        assert desk.app.test_client().get(ROOT + path).status_code == 401


# --- the own --------------------------------------------------------------------------------------


def test_the_own_account(myself: FlaskClient) -> None:
    told = ask(myself, "/me")
    assert told["person"] == {"id": str(ME), "name": "Kesha A."}
    assert told["balance_cents"] == told["today_cents"] == 1000
    assert (told["pending"], told["last_entry"]) == (0, 6)
    assert told["as_of"].endswith("Z")


def test_without_any_entry_the_account_is_zero(desk: Desk) -> None:
    told = ask(caller(desk, Role.MANAGER, name="Margo"), "/me")
    assert told["person"]["name"] == "Margo"
    assert (told["balance_cents"], told["today_cents"], told["last_entry"]) == (0, 0, None)
    assert ask(caller(desk, Role.MANAGER), "/me/entries") == {"items": [], "next": None}


def test_the_own_log_holds_the_own_entries_alone(myself: FlaskClient) -> None:
    told = ask(myself, "/me/entries")["items"]
    assert [(each["number"], each["kind"], each["amount_cents"]) for each in told] == [
        (6, "reward", 2000),
        (5, "fee", -1000),
        (3, "payout", -2500),
        (2, "reward", 3900),
        (1, "fee", -1400),
    ]
    assert {each["person"]["id"] for each in told} == {str(ME)}


def test_an_entry_says_what_it_is_about(myself: FlaskClient) -> None:
    late, fee, paid = ask(myself, "/me/entries")["items"][:3]
    assert (late["late"], late["day"]) == (True, str(TODAY))
    assert late["occurred_at"].startswith(str(YESTERDAY))
    assert fee["task"] == {
        "id": str(UUID(int=8)),
        "number": 8,
        "title": "Repair the lift",
        "jira_id": None,
    }
    assert (fee["assignment"], late["assignment"]) == (5, None)
    assert (paid["task"], paid["balance_after_cents"]) == (None, 0)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("kind=fee", [5, 1]), (f"day={BEFORE}", [3, 2, 1]), (f"day={TODAY}&kind=reward", [6])],
)
def test_the_own_log_is_narrowed(myself: FlaskClient, query: str, numbers: list[int]) -> None:
    told = ask(myself, f"/me/entries?{query}")["items"]
    assert [each["number"] for each in told] == numbers


# --- everybody's ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [8, 7, 6, 5, 4, 3, 2, 1]),
        (f"person={OTHER}", [8, 7, 4]),
        (f"task={UUID(int=8)}", [6, 5, 4]),
        (f"task={UUID(int=8)}&person={OTHER}", [4]),
        ("kind=adjustment", [7]),
        (f"day={YESTERDAY}", [4]),
        (f"person={UUID(int=1)}", []),
        (f"task={UUID(int=99)}", []),
    ],
)
def test_entries_are_narrowed(accountant: FlaskClient, query: str, numbers: list[int]) -> None:
    told = ask(accountant, f"/entries?{query}")["items"]
    assert [each["number"] for each in told] == numbers


def test_accounts_and_those_below_zero(accountant: FlaskClient) -> None:
    told = ask(accountant, "/accounts")["items"]
    assert [(each["person"]["name"], each["balance_cents"]) for each in told] == [
        ("Gosha P.", -3055),
        ("Kesha A.", 1000),
    ]
    below = ask(accountant, "/accounts?below_zero=true")["items"]
    above = ask(accountant, "/accounts?below_zero=false")["items"]
    assert [below, above] == [told[:1], told[1:]]


def test_the_sums_of_days_are_positive_and_income_has_its_sign(accountant: FlaskClient) -> None:
    told = ask(accountant, "/days")["items"]
    as_of = told[0].pop("as_of")
    assert as_of.endswith("Z")
    assert told[0] == {
        "day": str(TODAY),
        "state": "open",
        "fees_cents": 2300,
        "rewards_cents": 2000,
        "income_cents": 300,
        "payouts_cents": 0,
        "adjustments_cents": 245,
        "entries": 4,
    }
    assert [each["state"] for each in told] == ["open", "closed", "paid"]
    assert (told[2]["income_cents"], told[2]["payouts_cents"]) == (-2500, 2500)
    narrowed = ask(accountant, f"/days?from={YESTERDAY}&to={YESTERDAY}")["items"]
    assert [each["day"] for each in narrowed] == [str(YESTERDAY)]


def test_payouts_with_their_letters(accountant: FlaskClient, myself: FlaskClient) -> None:
    (paid,) = ask(accountant, "/payouts")["items"]
    assert paid == {
        "day": str(BEFORE),
        "person": {"id": str(ME), "name": "Kesha A."},
        "amount_cents": -2500,
        "entry": 3,
        "letter": "sent",
    }
    assert ask(myself, "/payouts?person=me")["items"] == [paid]
    assert ask(myself, f"/payouts?person={ME}")["items"] == [paid]
    assert ask(accountant, f"/payouts?day={TODAY}")["items"] == []
    assert ask(accountant, f"/payouts?person={OTHER}")["items"] == []


# --- pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/entries", "/accounts", "/days", "/payouts"])
def test_lists_come_in_pages_of_any_size(accountant: FlaskClient, path: str) -> None:
    whole = ask(accountant, path)
    assert whole["next"] is None
    seen: list[Any] = []
    after = ""
    while True:
        page = ask(accountant, f"{path}?limit=1{after}")
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    key = {"/accounts": "person", "/entries": "number"}.get(path, "day")
    assert [each[key] for each in seen] == [each[key] for each in whole["items"]]


def test_a_walk_while_entries_are_written_sees_each_older_one_once(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with desk.write() as session:
        paper = Paper(session)
        for number in range(6):
            paper.entry("fee", ME, -1000, number=number + 1)
        paper.write()
    accountant = caller(desk, Role.ACCOUNTANT)
    page = ask(accountant, "/entries?limit=4")
    with desk.write() as session:
        _one_more(session)
    rest = ask(accountant, f"/entries?limit=4&after={page['next']}")
    assert [each["number"] for each in page["items"] + rest["items"]] == [6, 5, 4, 3, 2, 1]
    with desk.app.app_context():
        db.database("accounting").close()


def _one_more(session: Session) -> None:
    account = Account(id=2, person_id=OTHER, balance_cents=-1000, last_seq=1, opened_at=NOON)
    session.add(account)
    session.flush()
    moments = dict.fromkeys(("occurred_at", "posted_at"), NOON)
    days = dict.fromkeys(("business_date", "occurred_on"), TODAY)
    cents = dict.fromkeys(("amount_cents", "balance_cents"), -1000)
    key = {"kind": "fee", "source_id": ids.new(), "source_no": 1}
    number = {"entry_no": 7, "account_id": 2, "account_seq": 1}
    session.execute(insert(Entry), [{**number, **key, **cents, **days, **moments}])


@pytest.mark.parametrize("path", ["/entries", "/accounts", "/days", "/payouts"])
def test_a_broken_cursor_is_400(accountant: FlaskClient, path: str) -> None:
    problem = ask(accountant, f"{path}?after=x", 400)
    assert problem["detail"] == "This cursor cannot be read. Begin the list again."


@pytest.mark.parametrize(
    "path", ["/entries?day=x", "/entries?kind=x", "/payouts?person=x", "/accounts?below_zero=x"]
)
def test_a_filter_that_does_not_fit_is_422(accountant: FlaskClient, path: str) -> None:
    ask(accountant, path, 422)
