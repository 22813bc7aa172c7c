"""The API's shell: who comes in, what is refused before anything is read, keys, cursors, words."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from ates.contracts.auth import Role
from ates.kernel import db
from ates.web.api import openapi
from ates.web.api.examples import example_of
from ates.web.headers import BODY_LIMIT

from . import shop as the_shop
from . import till
from .shop import Shop

COINS = "/api/v1/shop/coins"


def told(answer: TestResponse) -> Any:
    """The body."""
    return answer.json


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = the_shop.open_shop(the_shop.config(tmp_path), {}, till.api)
    yield opened
    with opened.app.app_context():
        db.database("shop").close()


@pytest.fixture
def caller(shop: Shop) -> FlaskClient:
    return shop.caller(the_shop.person())


# --- who comes in ---------------------------------------------------------------------------------


def test_without_a_token_nobody_comes_in(shop: Shop) -> None:
    answer = shop.client().get(COINS)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="aTES"'


@pytest.mark.parametrize("token", ["", "x", "ates_", "ates_" + "a" * 43, "é", "a" * 5000])
def test_a_token_that_is_none_opens_nothing(shop: Shop, token: str) -> None:
    answer = shop.client().get(COINS, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_cookie_opens_no_api_and_a_token_no_page(shop: Shop, caller: FlaskClient) -> None:
    with_cookie = shop.sign_in(the_shop.person(Role.ADMIN))
    assert with_cookie.get(COINS).status_code == 401
    assert with_cookie.post(COINS, json={"name": "a"}).status_code == 401
    assert caller.get("/shop/").status_code == 303  # to the sign-in page


def test_a_header_ignores_cookies(shop: Shop) -> None:
    browser = shop.sign_in(the_shop.person(Role.ADMIN))
    answer = browser.get("/shop/rules/admins", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 303


def test_a_role_that_may_not_is_told_so(caller: FlaskClient) -> None:
    answer = caller.post("/api/v1/shop/empty")
    assert answer.status_code == 403
    assert told(answer)["title"] == "Forbidden"


def test_a_token_for_reading_writes_nothing(shop: Shop) -> None:
    reader = shop.caller(the_shop.person(), scope="read")
    assert reader.get(COINS).status_code == 200
    answer = reader.post(COINS, json={"name": "a"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="write"' in answer.headers["WWW-Authenticate"]
    assert shop.coins() == []


def test_while_the_database_is_away_everything_is_503(shop: Shop, caller: FlaskClient) -> None:
    shop.sessions.away = True
    answer = caller.get(COINS)
    assert answer.status_code == 503
    assert 10 <= int(answer.headers["Retry-After"]) <= 30


# --- what comes in --------------------------------------------------------------------------------

BODIES = {
    "not JSON": (b"{", "application/json", 400),
    "no text": (b"\xff\xfe", "application/json", 400),
    "deep": (b"[" * 20_000, "application/json", 400),
    "a form": (b"name=a", "application/x-www-form-urlencoded", 415),
    "nothing said": (b'{"name":"a"}', None, 415),
    "nothing sent": (b"", "application/json", 400),
    "a list": (b"[]", "application/json", 422),
    "missing": (b"{}", "application/json", 422),
    "unknown": (b'{"name":"a","price":1}', "application/json", 422),
    "a number": (b'{"name":1}', "application/json", 422),
    "too long": (b'{"name":"aaaaaaaaaaa"}', "application/json", 422),
    "a NUL": (b'{"name":"a\\u0000"}', "application/json", 422),
    "too much": (b'{"name":"' + b"a" * 70_000 + b'"}', "application/json", 413),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_is_refused_before_anything_is_read(
    shop: Shop, caller: FlaskClient, what: str
) -> None:
    body, media, status = BODIES[what]
    with shop.app.app_context():
        engine = db.database("shop").engine
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    answer = caller.post(COINS, data=body, content_type=media)
    assert (answer.status_code, asked) == (status, [])
    assert answer.mimetype == "application/problem+json"
    assert told(answer)["status"] == status


def test_a_field_that_does_not_fit_is_named(caller: FlaskClient) -> None:
    answer = caller.post(COINS, json={"name": 1})
    assert told(answer)["errors"] == [
        {"pointer": "/name", "detail": "Expected `str`, got `int`"},
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": "a", "price": 1}, "/price"),
        ({"name": "a", "a/b~%": 1}, "/a~1b~0%"),
    ],
)
def test_a_field_that_is_missing_or_unknown_is_named(
    caller: FlaskClient, body: dict[str, Any], pointer: str
) -> None:
    (fault,) = told(caller.post(COINS, json=body))["errors"]
    assert fault["pointer"] == pointer


def test_a_parameter_that_is_unknown_is_named(caller: FlaskClient) -> None:
    (fault,) = told(caller.get(f"{COINS}?what=1"))["errors"]
    assert fault["pointer"] == "/what"


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 201), (BODY_LIMIT + 1, 413)])
def test_a_body_that_does_not_say_its_length_has_the_same_limit(
    caller: FlaskClient, size: int, status: int
) -> None:
    body = b'{"name":"a"}'.ljust(size)
    answer = caller.post(
        COINS,
        input_stream=BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "what=1", "limit=1&limit=2", "name=x%00", "before=null"],
)
def test_a_query_that_does_not_fit_is_422(caller: FlaskClient, query: str) -> None:
    assert caller.get(f"{COINS}?{query}").status_code == 422


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "WyJhIl0", "W251bGxd", "é", "\x00", "W\x0010", "a" * 500]
)
def test_a_cursor_of_somebody_else_is_400(caller: FlaskClient, cursor: str) -> None:
    answer = caller.get(COINS, query_string={"after": cursor})
    assert answer.status_code == 400


def test_an_act_without_a_body_takes_none(shop: Shop) -> None:
    admin = shop.caller(the_shop.person(Role.ADMIN))
    assert admin.post("/api/v1/shop/empty").status_code == 200
    assert admin.post("/api/v1/shop/empty", json={}).status_code == 200
    assert admin.post("/api/v1/shop/empty", json={"a": 1}).status_code == 422
    assert admin.post("/api/v1/shop/empty", data=b"a").status_code == 415


# --- refusals -------------------------------------------------------------------------------------

REFUSALS = {
    "404": (404, "There is no such coin"),
    "409": (409, "Taken by Polly at "),
    "422": (422, "There is a problem"),
    "429": (429, "Too many tries. Wait 40 seconds."),
    "500": (500, "Something broke on our side"),
    "502": (503, "Twenty runs wait already."),
    "503": (503, "aTES is not answering."),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_a_problem_with_the_sentence_of_the_page(
    caller: FlaskClient, what: str
) -> None:
    answer = caller.get(f"/api/v1/shop/raise/{what}")
    status, sentence = REFUSALS[what]
    assert answer.status_code == told(answer)["status"] == status
    assert sentence in told(answer)["detail"]
    assert told(answer)["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert "secret" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_refused_field_has_its_pointer(caller: FlaskClient) -> None:
    problem = told(caller.get("/api/v1/shop/raise/422"))
    assert problem["errors"] == [{"pointer": "/name", "detail": "Write a name"}]


def test_a_wrong_method_names_the_right_ones(caller: FlaskClient) -> None:
    answer = caller.delete(COINS)
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


# --- once -----------------------------------------------------------------------------------------


def test_the_same_key_gives_the_first_answer_again(shop: Shop, caller: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = caller.post(COINS, json={"name": "a", "note": None}, headers=headers)
    again = caller.post(COINS, data=b'{ "note":null,"name":"a"}', headers=headers | JSON)
    assert first.status_code == again.status_code == 201
    assert told(first) == told(again)
    assert first.headers["Location"] == again.headers["Location"]
    assert shop.coins() == ["a"]


def test_the_same_key_with_another_body_is_a_conflict(shop: Shop, caller: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    caller.post(COINS, json={"name": "a"}, headers=headers)
    assert caller.post(COINS, json={"name": "b"}, headers=headers).status_code == 409
    assert shop.coins() == ["a"]


def test_a_refusal_uses_no_key_up(shop: Shop, caller: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert caller.post(COINS, json={"name": "taken"}, headers=headers).status_code == 409
    assert caller.post(COINS, json={"name": "free"}, headers=headers).status_code == 201


def test_two_people_may_use_the_same_key(shop: Shop, caller: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    other = shop.caller(the_shop.person())
    for each in (caller, other):
        assert each.post(COINS, json={"name": "a"}, headers=headers).status_code == 201
    assert shop.coins() == ["a", "a"]


def test_without_a_key_each_call_is_an_act(shop: Shop, caller: FlaskClient) -> None:
    for _ in range(2):
        assert caller.post(COINS, json={"name": "a"}).status_code == 201
    assert shop.coins() == ["a", "a"]


@pytest.mark.parametrize("key", ["", "a b", "é", "a" * 201])
def test_a_key_that_is_none_is_400(shop: Shop, caller: FlaskClient, key: str) -> None:
    answer = caller.post(COINS, json={"name": "a"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert shop.coins() == []


# --- pages ----------------------------------------------------------------------------------------


def test_a_walk_by_cursors_sees_each_once_while_others_write(caller: FlaskClient) -> None:
    for number in range(7):
        caller.post(COINS, json={"name": f"c{number}"})
    seen: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = told(caller.get(COINS, query_string=query))
        seen += [each["name"] for each in page["items"]]
        caller.post(COINS, json={"name": "new"})
        after = page["next"]
        if after is None:
            break
    assert seen == [f"c{number}" for number in reversed(range(7))]


def test_an_unchanged_answer_is_not_sent_again(caller: FlaskClient) -> None:
    first = caller.get(COINS)
    again = caller.get(COINS, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


# --- what the description says --------------------------------------------------------------------


def test_the_description_is_open_and_complete(shop: Shop) -> None:
    text = told(shop.client().get("/api/v1/openapi.json"))
    assert text["openapi"].startswith("3.1")
    assert set(text["paths"]) == {"/shop/coins", "/shop/empty", "/shop/raise/{what}"}
    put = text["paths"]["/shop/coins"]["post"]
    assert set(put["responses"]) == {"201", "400", "401", "403", "409", "413", "415", "422", "503"}
    assert put["requestBody"]["content"]["application/json"]["example"]["name"] == "penny"


def test_examples_are_of_the_form_they_show() -> None:
    schemas = openapi.describe([till.api], "1")["components"]["schemas"]
    text = json.dumps(example_of({"$ref": "#/components/schemas/Coin"}, schemas))
    assert json.loads(text) == {"id": 1, "name": "text"}


def test_the_page_shows_every_operation_and_fetches_nothing(shop: Shop) -> None:
    page = shop.client().get("/api/v1/docs").text
    for operation in till.api.operations:
        assert operation.template in page
    assert "://" not in page.replace("http://localhost/api", "").replace("http://www.w3.org", "")


JSON = {"Content-Type": "application/json"}
