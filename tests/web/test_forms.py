"""What people type is read, checked, kept, and done once."""

import pytest
from flask.testing import FlaskClient

from ates.contracts.auth import Role
from ates.kernel.errors import Invalid
from ates.web import forms
from ates.web.forms import Form, amount, choice, day, email, line, secret, text, tick, whole

from .shop import Shop, fields_of


class Typed(Form):
    title = line(20, required="Write what has to be done")
    about = text(50)
    role = choice(Role)
    count = whole(1, 10)
    when = day()
    sum = amount()
    mail = email(required="Write the address")
    word = secret(8, 128, required="Write the password")
    agreed = tick()


GOOD = {"title": " Fix  the nest ", "mail": "polly@example.com", "word": " 12345678 "}


def read(shop: Shop, **typed: str) -> Typed:
    with shop.app.test_request_context("/", method="POST", data={**GOOD, **typed}):
        return Typed.sent()


def test_clean_values_are_trimmed_and_composed(shop: Shop) -> None:
    form = read(shop, title=" Cafe\u0301 \u200d ", about="a\r\nb\rc", role="admin", count="7")
    form = read(shop, title=" Cafe\u0301 ", about="a\r\nb\rc", role="admin", count="7")
    form.check()
    assert form.title == "Café"
    assert form.about == "a\nb\nc"
    assert form.role is Role.ADMIN
    assert form.count == 7
    assert form.when is None
    assert form.word == " 12345678 "
    assert form.agreed is False


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("title", "   ", "Write what has to be done"),
        ("title", "x" * 21, "Use at most %(limit)s characters."),
        ("title", "a\u202eb", "Take out the invisible characters."),
        ("title", "a\u2066b", "Take out the invisible characters."),
        ("title", "a\x00b", "Take out the invisible characters."),
        ("title", "a\nb", "Take out the invisible characters."),
        ("title", "a\u200bb", "Take out the invisible characters."),
        ("about", "a\x1bb", "Take out the invisible characters."),
        ("role", "emperor", "Choose one of the list."),
        ("count", "11", "Write a whole number from %(low)s to %(high)s."),
        ("count", "1e1", "Write a whole number from %(low)s to %(high)s."),
        ("count", "٣", "Write a whole number from %(low)s to %(high)s."),
        ("when", "22.11.2026", "Write the day as 2026-11-22."),
        ("sum", "1,200.5", "Write 1200.50 or 1200,50"),
        ("mail", "polly, kesha@example.com", "Write one e-mail address, like polly@example.com."),
        ("mail", "a@b\r\nTo: c@d", "Take out the invisible characters."),
        ("word", "1234567", "Use at least %(limit)s characters."),
    ],
)
def test_what_does_not_fit_is_said_at_the_field(
    shop: Shop, field: str, typed: str, sentence: str
) -> None:
    form = read(shop, **{field: typed})
    assert form.wrong == {field: sentence}
    assert form.values[field] == typed
    with pytest.raises(Invalid) as caught:
        form.check()
    assert caught.value.fields == {field: sentence}


def test_a_search_form_falls_back_and_says_so(shop: Shop) -> None:
    with shop.app.test_request_context("/?count=many&role=admin&unknown=1"):
        form = Typed.asked()
    assert form.count is None
    assert form.role is Role.ADMIN
    assert "count" in form.wrong


def test_emoji_with_joiners_are_letters(shop: Shop) -> None:
    assert read(shop, title="👩‍🚀 flies").title == "👩‍🚀 flies"


def test_said_brings_its_values() -> None:
    assert forms.said("At most %(limit)s", limit=3).values == {"limit": 3}


# --- once -----------------------------------------------------------------------------------------


def fill(client: FlaskClient, **typed: str) -> dict[str, str]:
    return {**fields_of(client.get("/shop/").text), "name": "peso", **typed}


def test_a_double_submit_is_one_act_with_one_answer(shop: Shop, employee: FlaskClient) -> None:
    form = fill(employee)
    first = employee.post("/shop/", data=form)
    second = employee.post("/shop/", data=form)
    assert (first.status_code, first.location) == (303, "/shop/?coin=peso")
    assert (second.status_code, second.location) == (303, "/shop/?coin=peso")
    assert shop.coins() == ["peso"]


def test_the_csrf_field_is_no_content(shop: Shop, employee: FlaskClient) -> None:
    form = fill(employee)
    employee.post("/shop/", data=form)
    again = {**form, "csrf": fill(employee)["csrf"]}
    assert employee.post("/shop/", data=again).status_code == 303
    assert shop.coins() == ["peso"]


def test_the_same_key_with_another_content_is_refused(shop: Shop, employee: FlaskClient) -> None:
    form = fill(employee)
    employee.post("/shop/", data=form)
    answer = employee.post("/shop/", data={**form, "name": "rupee"})
    assert answer.status_code == 409
    assert "already sent with another content" in answer.text
    assert shop.coins() == ["peso"]


@pytest.mark.parametrize("key", ["", "short", "x" * 200, "spaces are no key at all"])
def test_a_form_without_a_key_is_too_old(shop: Shop, employee: FlaskClient, key: str) -> None:
    answer = employee.post("/shop/", data={**fill(employee), "key": key})
    assert answer.status_code == 400
    assert "The page was too old." in answer.text
    assert shop.coins() == []


def test_a_refusal_keeps_text_and_key_and_changes_nothing(
    shop: Shop, employee: FlaskClient
) -> None:
    form = fill(employee, name="taken", about="a long <story>")
    answer = employee.post("/shop/", data=form)
    assert answer.status_code == 409
    assert "There is one already." in answer.text
    assert "a long &lt;story&gt;" in answer.text
    assert answer.text.count("<title>Error: ") == 1
    assert fields_of(answer.text)["key"] == form["key"]
    assert shop.coins() == []
    corrected = {**form, "name": "peso"}
    assert employee.post("/shop/", data=corrected).status_code == 303
    assert shop.coins() == ["peso"]


def test_a_wrong_field_is_named_in_the_summary_and_at_the_field(employee: FlaskClient) -> None:
    answer = employee.post("/shop/", data=fill(employee, name=" "))
    assert answer.status_code == 422
    assert '<a href="#name">Write a name</a>' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_keys_belong_to_a_person(shop: Shop, employee: FlaskClient, admin: FlaskClient) -> None:
    key = fill(employee)["key"]
    employee.post("/shop/", data=fill(employee, key=key))
    admin.post("/shop/", data=fill(admin, key=key))
    assert shop.coins() == ["peso", "peso"]


def test_every_drawn_form_has_a_key_of_its_own(employee: FlaskClient) -> None:
    assert fill(employee)["key"] != fill(employee)["key"]


def test_a_fragment_answers_the_row_and_the_chip(shop: Shop, employee: FlaskClient) -> None:
    answer = employee.post("/shop/row", data=fill(employee), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.text.startswith("<tr id=row>")
    assert 'id="chip"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert "\u2212$17.00" in answer.text
    assert employee.post("/shop/row", data=fill(employee)).location == "/shop/#row"


def test_an_unchanged_poll_is_304(employee: FlaskClient) -> None:
    tag = employee.get("/shop/poll").headers["ETag"]
    assert employee.get("/shop/poll", headers={"If-None-Match": tag}).status_code == 304
    assert employee.get("/frame/chip").status_code == 200
