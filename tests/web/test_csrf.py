"""A form that is not ours changes nothing."""

import pytest
from flask.testing import FlaskClient

from .shop import Shop, fields_of


def fill(client: FlaskClient) -> dict[str, str]:
    return {**fields_of(client.get("/shop/").text), "name": "peso", "about": "my long text"}


@pytest.mark.parametrize("token", [None, "", "x", "IjEyMyI.aaaa.bbbb"])
def test_a_wrong_token_changes_nothing_and_keeps_the_text(
    shop: Shop, employee: FlaskClient, token: str | None
) -> None:
    form = fill(employee)
    form.pop("csrf")
    if token is not None:
        form["csrf"] = token
    answer = employee.post("/shop/", data=form)
    assert answer.status_code == 400
    assert "my long text" in answer.text
    assert "Send again" not in answer.text
    assert shop.coins() == []


def test_another_persons_token_is_foreign(
    shop: Shop, employee: FlaskClient, admin: FlaskClient
) -> None:
    form = {**fill(employee), "csrf": fill(admin)["csrf"]}
    assert employee.post("/shop/", data=form).status_code == 400
    assert shop.coins() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_another_origin_is_refused_even_with_our_token(
    shop: Shop, employee: FlaskClient, headers: dict[str, str]
) -> None:
    answer = employee.post("/shop/", data=fill(employee), headers=headers)
    assert answer.status_code == 400
    assert "did not come from aTES" in answer.text
    assert shop.coins() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_pages_may(shop: Shop, employee: FlaskClient, headers: dict[str, str]) -> None:
    assert employee.post("/shop/", data=fill(employee), headers=headers).status_code == 303
    assert shop.coins() == ["peso"]


def test_the_token_lives_as_long_as_the_browser_is_open(shop: Shop, employee: FlaskClient) -> None:
    assert shop.app.config["WTF_CSRF_TIME_LIMIT"] is None


def test_too_many_fields_are_refused(shop: Shop, employee: FlaskClient) -> None:
    many = {f"f{n}": "x" for n in range(60)}
    assert employee.post("/shop/", data={**fill(employee), **many}).status_code == 413
    multipart = {"data": {**fill(employee), **many}, "content_type": "multipart/form-data"}
    assert employee.post("/shop/", **multipart).status_code == 413
    assert shop.coins() == []


def test_too_much_is_refused(shop: Shop, employee: FlaskClient) -> None:
    form = {**fill(employee), "about": "x" * 70_000}
    assert employee.post("/shop/", data=form).status_code == 413
    assert shop.coins() == []


def test_signed_out_with_text_keeps_it_and_can_be_sent_again(
    shop: Shop, employee: FlaskClient
) -> None:
    form = fill(employee)
    people = dict(shop.sessions.people)
    session = employee.get_cookie("ates_session")
    assert session is not None
    shop.sessions.people.clear()
    answer = employee.post("/shop/", data=form)
    assert answer.status_code == 401
    assert "my long text" in answer.text
    assert "Send again" in answer.text
    shop.sessions.people.update(people)  # signs in again in another tab
    employee.set_cookie("ates_session", session.value)
    again = {**form, **fields_of(answer.text)}
    assert again["key"] == form["key"]
    assert employee.post("/shop/", data=again).status_code == 303
    assert shop.coins() == ["peso"]


def test_signed_out_with_a_bare_button_goes_to_sign_in(shop: Shop) -> None:
    answer = shop.client().post("/shop/row", headers={"Referer": "http://localhost/shop/?q=1"})
    assert answer.status_code == 303
    assert answer.location == "/auth/sign-in?next=/shop/%3Fq%3D1"
    foreign = shop.client().post("/shop/row", headers={"Referer": "http://evil.example/x"})
    assert foreign.location == "/auth/sign-in"
