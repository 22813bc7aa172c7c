"""Every refusal and fault is one clear sentence with the right status, and tells no secrets."""

import sqlite3
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from psycopg import errors as pg
from sqlalchemy.exc import OperationalError, ProgrammingError

from ates.web import again, headers

from . import shop as the_shop
from .shop import Shop

STATUSES = {
    "/shop/raise/404": (404, "There is no such coin"),
    "/shop/raise/409": (409, "Taken by Polly at "),
    "/shop/raise/422": (422, "There is a problem"),
    "/shop/raise/429": (429, "Too many tries. Wait 40 seconds."),
    "/shop/raise/500": (500, "Something broke on our side"),
    "/shop/raise/503": (503, "aTES is not answering."),
    "/nowhere": (404, "There is no such page"),
    "/shop/rules/admins": (403, "This page is for other roles"),
    "/frame/chip/": (404, "There is no such page"),
}


@pytest.mark.parametrize("path", STATUSES)
@pytest.mark.parametrize("fragment", [False, True])
def test_status_sentence_headers(
    shop: Shop, employee: FlaskClient, path: str, fragment: bool
) -> None:
    asked = {"HX-Request": "true"} if fragment else {}
    answer = employee.get(path, headers=asked)
    status, sentence = STATUSES[path]
    assert answer.status_code == status
    assert sentence in answer.text
    assert "secret" not in answer.text
    assert ("<html" in answer.text) is not fragment
    assert answer.headers["X-Request-Id"] in answer.text
    check_headers(answer.headers)
    if fragment:
        assert answer.headers["HX-Retarget"] == "#notes"


def check_headers(given: object) -> None:
    for name, value in headers.HEADERS.items():
        assert given[name] == value  # type: ignore[index]
    assert given["Cache-Control"] == "no-store"  # type: ignore[index]
    assert given["Vary"] == "Cookie, Accept-Language, HX-Request"  # type: ignore[index]


def test_the_policy_forbids_all_but_our_own() -> None:
    assert headers.POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def test_waiting_times_are_told(employee: FlaskClient) -> None:
    assert employee.get("/shop/raise/429").headers["Retry-After"] == "40"
    assert 10 <= int(employee.get("/shop/raise/503").headers["Retry-After"]) <= 30


def test_a_method_that_is_not_there(employee: FlaskClient) -> None:
    answer = employee.delete("/shop/public")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "This cannot be done here." in answer.text


def test_away_in_a_form_keeps_the_text_and_offers_to_send_again(employee: FlaskClient) -> None:
    page = employee.get("/shop/").text
    form = {**the_shop.fields_of(page), "about": "my long text", "password": "hush"}
    answer = employee.post("/shop/raise/503", data=form)
    assert answer.status_code == 503
    assert "my long text" in answer.text
    assert "hush" not in answer.text
    assert "Send again" in answer.text
    assert the_shop.fields_of(answer.text)["key"] == form["key"]


def test_refusals_speak_russian(shop: Shop) -> None:
    client = shop.sign_in(the_shop.person(locale="ru"))
    assert "Такой страницы нет" in client.get("/nowhere").text
    assert "Раздел для других ролей" in client.get("/shop/rules/admins").text


def test_the_language_before_signing_in(shop: Shop) -> None:
    client = shop.client()
    russian = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}
    assert '<html lang="ru"' in client.get("/shop/public", headers=russian).text
    assert '<html lang="en"' in client.get("/shop/public", headers={"Accept-Language": "fr"}).text
    client.set_cookie("lang", "en")
    assert '<html lang="en"' in client.get("/shop/public", headers=russian).text


def test_production_knows_its_own_name_only(tmp_path: Path) -> None:
    settings = the_shop.config(tmp_path, env="production", url="https://ates.example")
    client = the_shop.open_shop(settings, {}).client()
    good = client.get("/livez", base_url="https://ates.example")
    assert good.status_code == 200
    assert good.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert client.get("/livez", base_url="http://127.0.0.1:8000").status_code == 200
    assert client.get("/livez", base_url="https://evil.example").status_code == 400


# --- again ----------------------------------------------------------------------------------------


def locked() -> OperationalError:
    fault = sqlite3.OperationalError("database is locked")
    fault.sqlite_errorname = "SQLITE_BUSY"
    return OperationalError("BEGIN", None, fault)


@pytest.mark.parametrize(
    "error", [pg.DeadlockDetected(), pg.SerializationFailure(), pg.LockNotAvailable()]
)
def test_locks_of_postgresql_are_known(error: Exception) -> None:
    assert again.is_lock(OperationalError("UPDATE", None, error))
    assert not again.is_lock(ProgrammingError("UPDATE", None, pg.UndefinedTable()))


def test_a_view_that_met_a_lock_is_called_again() -> None:
    calls: list[int] = []

    @again.patiently
    def view() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise locked()
        return "done"

    assert view() == "done"
    assert len(calls) == 3


def test_three_tries_and_no_more() -> None:
    calls: list[int] = []

    @again.patiently
    def view() -> str:
        calls.append(1)
        raise locked()

    with pytest.raises(OperationalError):
        view()
    assert len(calls) == 3


def test_another_error_is_not_tried_again() -> None:
    calls: list[int] = []

    @again.patiently
    def view() -> str:
        calls.append(1)
        raise OperationalError("x", None, sqlite3.OperationalError("no such table"))

    with pytest.raises(OperationalError):
        view()
    assert len(calls) == 1
