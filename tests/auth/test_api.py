"""People for programs, row by row: who may, what is refused, pages while others register, keys."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from ates.app import create_app
from ates.auth import details, passwords
from ates.auth.models import Letter, Person, Request
from ates.contracts.auth import PersonChanged, Role
from ates.kernel import ids
from ates.kernel.db import reading
from tests.auth import make
from tests.engines import people, sqlite
from tests.engines.marks import both
from tests.engines.people import Visitor
from tests.engines.settings import trial

ROOT = "/api/v1/auth"
KESHA = {"email": "kesha@popug.example", "name": "Kesha A.", "role": "employee"}
OTHERS = [Role.EMPLOYEE, Role.ACCOUNTANT, Role.MANAGER]
Caller = Callable[..., Visitor]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for all tests in which nothing is changed."""
    data = tmp_path_factory.mktemp("office")
    made = create_app(trial(data, sqlite.copy(data / "ates.sqlite3")))
    yield made
    made.extensions["ates.database"].close()


@pytest.fixture(scope="module")
def boss(office: Flask) -> Visitor:
    """An admin's program."""
    return people.caller(office, Role.ADMIN, name="Aurora K.", email="Aurora@popug.example")


def ask(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(ROOT + path)
    assert answer.status_code == status, answer.text
    return answer.json


def send(client: FlaskClient, body: Any, status: int = 201, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(ROOT + "/people", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def amend(client: FlaskClient, who: object, body: Any, status: int = 200) -> Any:
    answer = client.patch(f"{ROOT}/people/{who}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json


def count(app: Flask, table: type) -> int:
    with app.app_context(), reading("auth") as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def row_of(app: Flask, who: object) -> Person:
    with app.app_context(), reading("auth") as session:
        return session.get_one(Person, UUID(str(who)))


# --- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_everybody_learns_whose_token_it_is(office: Flask, role: Role) -> None:
    client = people.caller(office, role, scope="read", trade="tester")
    told = ask(client, "/me")
    assert (told["id"], told["role"], told["trade"]) == (str(client.person), role, "tester")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told["created_at"])
    assert list(told) == ["id", "email", "name", "role", "trade", "active", "created_at"]


@pytest.mark.parametrize("role", OTHERS)
def test_people_are_for_admins(office: Flask, role: Role) -> None:
    client, before = people.caller(office, role), count(office, Person)
    for path in ("/people", f"/people/{client.person}", f"/people/{ids.new()}"):
        assert ask(client, path, 403)["detail"] == "This page is for other roles"
    send(client, KESHA, 403)
    amend(client, client.person, {"role": "admin"}, 403)
    assert count(office, Person) == before
    assert row_of(office, client.person).role == role


def test_a_token_for_reading_changes_nobody(office: Flask) -> None:
    reader = people.caller(office, Role.ADMIN, scope="read")
    assert ask(reader, f"/people/{reader.person}")["role"] == "admin"
    for refused in (send(reader, KESHA, 403), amend(reader, reader.person, {"name": "X"}, 403)):
        assert refused["detail"] == "This token may only read. Make one that may write."


def test_without_a_token_nothing_is_told(office: Flask) -> None:
    for path in ("/me", "/people", f"/people/{ids.new()}"):
        ask(office.test_client(), path, 401)
    assert office.test_client().patch(f"{ROOT}/people/{ids.new()}", json={}).status_code == 401
    send(office.test_client(), KESHA, 401)


def test_a_cookie_opens_no_api_and_a_token_no_page(office: Flask, boss: Visitor) -> None:
    browser = people.sign_in(office, Role.ADMIN)
    ask(browser, "/me", 401)
    send(browser, KESHA, 401)
    assert boss.get("/auth/people/").status_code == 303


def test_a_header_counts_and_cookies_beside_it_do_not(office: Flask, boss: Visitor) -> None:
    browser = people.sign_in(office, Role.EMPLOYEE)
    both = {"Authorization": boss.environ_base["HTTP_AUTHORIZATION"]}
    assert browser.get(f"{ROOT}/me", headers=both).json["role"] == "admin"  # type: ignore[index]
    assert browser.get("/auth/me", headers=both).status_code == 303
    wrong = browser.get(f"{ROOT}/me", headers={"Authorization": "Bearer ates_wrong"})
    assert wrong.status_code == 401


# --- registering ----------------------------------------------------------------------------------


@both
def test_a_person_is_registered_and_invited(app: Flask, api: Caller) -> None:
    admin = api(Role.ADMIN)
    answer = admin.post(ROOT + "/people", json=KESHA | {"trade": " tester ", "locale": "ru"})
    assert answer.status_code == 201
    made: Any = answer.json
    assert answer.headers["Location"] == f"{ROOT}/people/{made['id']}"
    assert made == ask(admin, f"/people/{made['id']}")
    assert (made["trade"], made["active"], row_of(app, made["id"]).locale) == ("tester", True, "ru")
    assert count(app, Letter) == 1
    assert send(admin, KESHA | {"email": "KESHA@popug.example"}, 409) | {"instance": ""} == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Somebody with this e-mail is already there.",
        "instance": "",
        "errors": [{"pointer": "/email", "detail": "Somebody with this e-mail is already there."}],
    }
    amended = amend(admin, made["id"], {"name": "Kesha B.", "trade": None, "role": "manager"})
    assert amended == made | {"name": "Kesha B.", "trade": None, "role": "manager"}


def test_with_a_password_no_letter_goes_out(app: Flask, api: Caller, client: Visitor) -> None:
    made = send(api(Role.ADMIN), KESHA | {"password": make.PASSWORD})
    assert count(app, Letter) == 0
    assert make.knock(client, made["email"]).status_code == 303
    assert "password" not in str(made)


@pytest.mark.parametrize(
    ("change", "pointer", "sentence"),
    [
        ({"email": "kesha"}, "/email", details.NO_EMAIL),
        ({"email": "a@b.c, d@e.f"}, "/email", details.NO_EMAIL),
        ({"name": " "}, "/name", details.NO_NAME),
        ({"name": "\u200d"}, "/name", details.NO_NAME),
        ({"name": "x" * 101}, "/name", details.LONG_NAME),
        ({"name": "Ke\u202esha"}, "/name", details.UNSEEN),
        ({"trade": "x" * 51}, "/trade", details.LONG_TRADE),
        ({"password": "short"}, "/password", passwords.TOO_SHORT),
        ({"password": "popugpopug"}, "/password", passwords.COMMON),
        ({"password": "kesha@popug.example"}, "/password", passwords.COMMON),
        ({"role": "emperor"}, "/role", None),
        ({"locale": "fr"}, "/locale", None),
        ({"epoch": 9}, "/epoch", None),
        ({"id": "x"}, "/id", None),
    ],
)
def test_what_does_not_fit_is_refused_in_the_words_of_the_page(
    office: Flask, boss: Visitor, change: dict[str, Any], pointer: str, sentence: str | None
) -> None:
    before = count(office, Person)
    told = send(boss, KESHA | change, 422)
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    if sentence:
        assert told["errors"][0]["detail"] == sentence
    assert count(office, Person) == before


def test_the_same_key_registers_one_person(app: Flask, api: Caller) -> None:
    admin = api(Role.ADMIN)
    first, second = (send(admin, KESHA, key="kesha-1") for _ in range(2))
    assert first == second
    send(admin, KESHA | {"name": "Other"}, 409, key="kesha-1")
    assert (count(app, Letter), count(app, Person)) == (1, 2)
    send(admin, KESHA | {"name": ""}, 422, key="kesha-2")
    assert count(app, Request) == 1, "a refusal uses no key up"


# --- changing -------------------------------------------------------------------------------------


def test_several_changes_are_all_done_or_none(app: Flask, api: Caller, said: list[Any]) -> None:
    admin, kesha = api(Role.ADMIN), make.somebody(app)
    said.clear()
    told = amend(admin, kesha.id, {"role": "manager", "name": ""}, 422)
    assert told["errors"] == [{"pointer": "/name", "detail": details.NO_NAME}]
    assert row_of(app, kesha.id).role == Role.EMPLOYEE
    said.clear()
    amend(admin, kesha.id, {"role": "manager", "name": "K", "trade": "qa", "active": False})
    row = row_of(app, kesha.id)
    assert (row.role, row.name, row.trade, row.active) == (Role.MANAGER, "K", "qa", False)
    assert {type(each) for each in said} == {PersonChanged}


def test_what_is_left_out_stays(app: Flask, api: Caller, said: list[Any]) -> None:
    admin, kesha = api(Role.ADMIN), make.somebody(app, trade="qa", locale="ru")
    said.clear()
    before = ask(admin, f"/people/{kesha.id}")
    for nothing in ({}, {"role": "employee"}, {"active": True}, {"trade": "qa"}):
        assert amend(admin, kesha.id, nothing) == before
    assert said == []
    assert row_of(app, kesha.id).locale == "ru"


def test_who_is_not_active_is_out_and_comes_in_again(app: Flask, api: Caller) -> None:
    admin, kesha = api(Role.ADMIN), api(Role.EMPLOYEE)
    browser = make.enter(app, margo := make.somebody(app))
    ask(kesha, "/me")
    for who in (kesha.person, margo.id):
        assert amend(admin, who, {"active": False})["active"] is False
    ask(kesha, "/me", 401)
    assert not make.is_in(browser)
    for who in (kesha.person, margo.id):
        assert amend(admin, who, {"active": True})["active"] is True
    ask(kesha, "/me", 401)  # its token was void for good
    assert make.is_in(make.enter(app, margo))


def test_a_new_role_counts_with_the_next_call(api: Caller) -> None:
    admin, kesha = api(Role.ADMIN), api(Role.EMPLOYEE)
    ask(kesha, "/people", 403)
    amend(admin, kesha.person, {"role": "admin"})
    ask(kesha, "/people")


def test_the_last_active_admin_stays_one(app: Flask, api: Caller) -> None:
    admin = api(Role.ADMIN)
    sentence = "This is the only active admin. Appoint another first."
    for change in ({"active": False}, {"role": "manager"}):
        assert amend(admin, admin.person, change, 409)["detail"] == sentence
    other = api(Role.ADMIN)
    assert amend(admin, admin.person, {"role": "manager"}, 403)["detail"] == (
        "Nobody changes their own role."
    )
    amend(admin, other.person, {"active": False})
    ask(other, "/people", 401)
    assert row_of(app, admin.person).active


@pytest.mark.parametrize(
    "body",
    [{"email": "a@b.c"}, {"active": None}, {"active": "no"}, {"name": None}, {"role": None}, []],
)
def test_other_fields_cannot_be_changed(boss: Visitor, body: Any) -> None:
    amend(boss, boss.person, body, 422)


def test_somebody_unknown_is_404_in_words(boss: Visitor) -> None:
    unknown = ids.new()
    assert ask(boss, f"/people/{unknown}", 404)["detail"] == "There is no such person."
    assert amend(boss, unknown, {"name": "X"}, 404)["detail"] == "There is no such person."
    ask(boss, "/people/17", 404)


# --- the list -------------------------------------------------------------------------------------


@both
def test_a_list_in_pages_while_others_are_registered(app: Flask, api: Caller) -> None:
    admin = api(Role.ADMIN)
    first = [str(make.somebody(app).id) for _ in range(5)][::-1]
    page = ask(admin, "/people?limit=2")
    assert [each["id"] for each in page["items"]] == first[:2]
    make.somebody(app)
    found = []
    while page["next"]:
        page = ask(admin, f"/people?limit=2&after={page['next']}")
        found += [each["id"] for each in page["items"]]
    assert found == [*first[2:], str(admin.person)]


def test_the_list_is_narrowed(app: Flask, api: Caller) -> None:
    admin = api(Role.ADMIN, name="Aurora K.")
    anna = make.somebody(app, Role.MANAGER, name="Анна ОСИПОВА", trade="тестировщик")
    with_sign = make.somebody(app, name="100% Popug")
    gone = make.somebody(app)
    amend(admin, gone.id, {"active": False})

    def ids_of(query: str) -> set[str]:
        return {each["id"] for each in ask(admin, f"/people?{query}")["items"]}

    everybody = {str(each) for each in (admin.person, anna.id, with_sign.id, gone.id)}
    assert ids_of("") == ids_of("q=") == everybody
    assert ids_of("active=false") == {str(gone.id)}
    assert ids_of("active=true") == everybody - {str(gone.id)}
    assert ids_of("role=manager") == {str(anna.id)}
    assert ids_of("q=осипова") == {str(anna.id)}
    assert ids_of("q=100%25") == {str(with_sign.id)}
    assert ids_of(f"q={gone.email.upper()}&active=false") == {str(gone.id)}
    assert ids_of("q=nobody") == set()


@pytest.mark.parametrize("query", ["role=emperor", "active=2", "q=%01", "state=active", "limit=0"])
def test_a_query_that_does_not_fit_is_422(boss: Visitor, query: str) -> None:
    ask(boss, f"/people?{query}", 422)


def test_a_cursor_of_another_list_is_400(boss: Visitor) -> None:
    for cursor in ("x", "WzFd", "WyJhIl0"):
        ask(boss, f"/people?after={cursor}", 400)


# --- the description ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["a", " a ", "Анна", "О'Нил", "愛子", "a\u200db", "\u0e00", "🦜", "\u202e", "a\u00ad", "", " ",
     "\u3000", "\u200d", "\ue000", "a\n", "\U000e0041", "a\x00", "\x85"],
)  # fmt: skip
def test_the_described_pattern_of_a_name_is_the_rule(text: str) -> None:
    def accepted(name: str) -> bool:
        try:
            return bool(details.checked("a@b.c", name))
        except Exception:
            return False

    assert bool(re.search(details.SEEN.replace("$", r"\Z"), text)) is accepted(text)
