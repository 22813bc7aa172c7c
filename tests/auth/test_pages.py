"""The pages of people and of oneself: who sees what, and what a forged form may do."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from ates.auth import queries, service
from ates.auth.models import Letter, Person
from ates.contracts.auth import PersonChanged, Role
from ates.kernel import ids
from ates.kernel.db import reading, transaction
from tests.auth import make
from tests.engines.people import Visitor

PEOPLE = "/auth/people/"
Enter = Callable[..., Visitor]


def state_of(app: Flask, who: object) -> tuple[str, bool]:
    with app.app_context(), reading("auth") as session:
        row = session.get_one(Person, who)
        return row.role, row.active


def page_of(who: object, act: str = "") -> str:
    return f"{PEOPLE}{who}{act}"


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.ACCOUNTANT, Role.MANAGER])
@pytest.mark.parametrize("page", ["", "new", "{}", "{}/role", "{}/deactivate"])
def test_people_are_for_admins(app: Flask, sign_in: Enter, role: Role, page: str) -> None:
    kesha = make.somebody(app)
    client = sign_in(role)
    assert client.get(PEOPLE + page.format(kesha.id)).status_code == 403
    assert PEOPLE not in client.get(make.INSIDE).text


@pytest.mark.parametrize(
    "act", ["/role", "/deactivate", "/activate", "/letter", "/sessions/end", ""]
)
def test_a_forged_form_of_another_role_changes_nothing(
    app: Flask, sign_in: Enter, act: str, said: list[object]
) -> None:
    client = sign_in(Role.MANAGER)
    kesha = make.somebody(app)
    before = len(said)
    fields = make.fields_of(client, make.INSIDE, "/auth/me")
    answer = client.post(
        page_of(kesha.id, act), data={**fields, "role": "admin", "email": "a@b", "name": "x"}
    )
    assert answer.status_code == 403
    assert state_of(app, kesha.id) == (Role.EMPLOYEE, True)
    assert len(said) == before


def test_signed_out_every_page_leads_to_the_door(app: Flask, client: Visitor) -> None:
    kesha = make.somebody(app)
    for page in (PEOPLE, PEOPLE + "new", page_of(kesha.id), "/auth/me", "/auth/me/password"):
        assert client.get(page).location.startswith("/auth/sign-in?next=")


def test_a_registered_person_is_invited_by_letter(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin")
    answer = admin.submit(
        PEOPLE + "new",
        email="kesha@popug.example",
        name="Kesha A.",
        role="employee",
        trade="tester",
    )
    assert answer.status_code == 303
    page = admin.get(answer.location).text
    assert "Kesha A." in page
    assert "An invitation is on its way." in page
    with app.app_context(), reading("auth") as session:
        row = queries.person_by_email(session, "kesha@popug.example")
        assert session.scalar(select(func.count()).select_from(Letter)) == 1
    assert (row.role, row.trade, row.invited) == (Role.EMPLOYEE, "tester", True)


def test_the_same_form_twice_registers_one_person(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin")
    fields = make.fields_of(admin, PEOPLE + "new")
    fields |= {"email": "kesha@popug.example", "name": "Kesha A."}
    first, second = (admin.post(PEOPLE + "new", data=fields) for _ in range(2))
    assert first.location == second.location
    assert (first.status_code, second.status_code) == (303, 303)


def test_a_refused_form_keeps_what_was_typed(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin")
    taken = make.somebody(app)
    for email, sentence in [
        ("no address", "Write one e-mail address, like polly@example.com."),
        (taken.email, "Somebody with this e-mail is already there."),
    ]:
        answer = admin.submit(PEOPLE + "new", email=email, name="Kesha <A.>", trade="tester")
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'value="Kesha &lt;A.&gt;"' in answer.text
        assert f'value="{email}"' in answer.text


def test_a_form_without_a_role_says_so(sign_in: Enter) -> None:
    answer = sign_in("admin").submit(
        PEOPLE + "new", email="k@popug.example", name="K", role="emperor"
    )
    assert answer.status_code == 422
    assert "Choose one of the list." in answer.text


def test_money_and_other_columns_cannot_be_posted(app: Flask, sign_in: Enter) -> None:
    admin, kesha = sign_in("admin"), make.somebody(app)
    admin.submit(
        page_of(kesha.id), name="Kesha B.", role="admin", active="", epoch="99", said="99",
        password_hash="x", id=str(ids.new()),
    )  # fmt: skip
    with app.app_context(), reading("auth") as session:
        row = session.get_one(Person, kesha.id)
    assert (row.name, row.role, row.active, row.epoch) == ("Kesha B.", "employee", True, 2)
    assert row.password_hash == kesha.password_hash


def test_a_role_is_asked_for_and_changed(app: Flask, sign_in: Enter, said: list[object]) -> None:
    admin, kesha = sign_in("admin"), make.somebody(app)
    page = admin.get(page_of(kesha.id, "/role")).text
    assert "no new ones come." in page
    assert state_of(app, kesha.id) == (Role.EMPLOYEE, True), "looking changes nothing"
    admin.submit(page_of(kesha.id, "/role"), role="manager")
    assert state_of(app, kesha.id) == (Role.MANAGER, True)
    assert isinstance(said[-1], PersonChanged)


def test_deactivating_is_asked_for_and_said_in_words(app: Flask, sign_in: Enter) -> None:
    admin, kesha = sign_in("admin"), make.somebody(app)
    page = admin.get(page_of(kesha.id, "/deactivate")).text
    assert "The account and its history stay." in page
    assert state_of(app, kesha.id)[1]
    admin.submit(page_of(kesha.id, "/deactivate"))
    assert not state_of(app, kesha.id)[1]
    admin.submit(page_of(kesha.id), page_of(kesha.id, "/activate"))
    assert state_of(app, kesha.id)[1]


def test_controls_that_would_refuse_are_their_reasons_and_forged_forms_are_refused(
    app: Flask, sign_in: Enter
) -> None:
    admin = sign_in("admin")
    page = admin.get(page_of(admin.person)).text
    assert page.count("This is the only active admin. Appoint another first.") == 2
    assert page_of(admin.person, "/role") not in page
    assert page_of(admin.person, "/deactivate") not in page
    for act in ("/role", "/deactivate"):
        assert (
            '<form method="post" action="/auth/people'
            not in admin.get(page_of(admin.person, act)).text
        )
        assert _forged(admin, act).status_code == 409
    make.somebody(app, Role.ADMIN)
    assert "Nobody changes their own role." in admin.get(page_of(admin.person)).text
    assert _forged(admin, "/role").status_code == 403
    assert state_of(app, admin.person) == (Role.ADMIN, True)


def _forged(admin: Visitor, act: str) -> TestResponse:
    """An act on oneself that no form on the page offers."""
    fields = make.fields_of(admin, page_of(admin.person))
    return admin.post(page_of(admin.person, act), data={**fields, "role": "employee"})


def test_an_admin_signs_a_person_out_everywhere(app: Flask, sign_in: Enter) -> None:
    admin, kesha = sign_in("admin"), make.somebody(app)
    browser = make.enter(app, kesha)
    admin.submit(page_of(kesha.id), page_of(kesha.id, "/sessions/end"))
    assert not make.is_in(browser)


def test_the_letter_of_somebody_inactive_is_refused(app: Flask, sign_in: Enter) -> None:
    admin, kesha = sign_in("admin"), make.somebody(app)
    fields = make.fields_of(admin, page_of(kesha.id), page_of(kesha.id, "/letter"))
    with app.app_context(), transaction("auth") as session:
        service.deactivate(session, kesha.id, by=None)
    assert admin.post(page_of(kesha.id, "/letter"), data=fields).status_code == 409


@pytest.mark.parametrize("who", ["0", "x", "01900000-0000-7000-8000-000000000000"])
def test_somebody_unknown_is_404(sign_in: Enter, who: str) -> None:
    admin = sign_in("admin")
    for act in ("", "/role", "/deactivate"):
        assert admin.get(page_of(who, act)).status_code == 404


def test_the_list_is_searched_in_the_address(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin", name="Aurora K.")
    make.somebody(app, name="Кеша П.")
    make.somebody(app, Role.MANAGER, name="Margo S.")

    def names(query: str) -> set[str]:
        page = admin.get(PEOPLE + query).text.partition("<main")[2]
        return {name for name in ("Aurora K.", "Кеша П.", "Margo S.") if name in page}

    assert names("") == {"Aurora K.", "Кеша П.", "Margo S."}
    assert names("?q=кеш") == {"Кеша П."}
    assert names("?role=manager") == {"Margo S."}
    assert names("?state=inactive") == set()
    assert names("?role=emperor&state=x&after=rubbish&more=1") == {
        "Aurora K.", "Кеша П.", "Margo S.",
    }  # fmt: skip
    assert "Nothing matches." in admin.get(PEOPLE + "?q=nobody").text


def test_a_long_list_goes_on(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin", name="Aurora K.")
    with app.app_context(), transaction("auth") as session:
        for number in range(60):
            make.person(session, name=f"Popug {number:03}")
    page = admin.get(PEOPLE).text
    assert "Popug 048" in page
    assert "Popug 049" not in page
    more = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    page = admin.get(more.replace("&amp;", "&")).text
    assert "Popug 049" in page
    assert "Popug 059" in page
    assert "Popug 048" not in page


def test_names_of_people_are_text(app: Flask, sign_in: Enter) -> None:
    admin = sign_in("admin")
    kesha = make.somebody(app, name="<script>alert(1)</script>", trade='"><img src=x>')
    for page in (PEOPLE, page_of(kesha.id), page_of(kesha.id, "/role")):
        text = admin.get(page).text
        assert "<script>alert" not in text
        assert "<img src=x>" not in text


# --- oneself --------------------------------------------------------------------------------------


def test_a_person_changes_the_own_name_and_language_and_sees_it_at_once(
    app: Flask, sign_in: Enter
) -> None:
    kesha = sign_in("employee", name="Kesha A.")
    answer = kesha.submit("/auth/me", name="Kesha B.", locale="ru")
    assert answer.status_code == 303
    page = kesha.get("/auth/me").text
    assert "Kesha B." in page
    assert '<html lang="ru"' in page


def test_the_language_is_chosen_below_every_page(
    app: Flask, client: Visitor, sign_in: Enter
) -> None:
    answer = client.submit("/auth/sign-in", "/auth/language", locale="ru", next="/auth/forgot")
    assert answer.location == "/auth/forgot"
    assert '<html lang="ru"' in client.get("/auth/sign-in").text
    kesha = sign_in("employee")
    kesha.submit("/auth/me", "/auth/language", locale="ru")
    assert '<html lang="ru"' in kesha.get("/auth/me").text
    with app.app_context(), reading("auth") as session:
        assert session.get_one(Person, kesha.person).locale == "ru"


def test_a_language_we_do_not_speak_is_refused(client: Visitor) -> None:
    answer = client.submit("/auth/sign-in", "/auth/language", locale="xx", next="//evil.example")
    assert answer.status_code == 422


def test_a_forged_own_form_changes_no_role(app: Flask, sign_in: Enter) -> None:
    kesha = sign_in("employee")
    kesha.submit("/auth/me", name="Kesha", role="admin", email="x@y.z", active="")
    assert state_of(app, kesha.person) == (Role.EMPLOYEE, True)


def test_a_head_request_with_a_form_in_it_is_no_act(app: Flask, sign_in: Enter) -> None:
    """Browsers send no body with it, forgers may: no token is asked of a HEAD."""
    admin, kesha = sign_in("admin"), make.somebody(app)
    for act in ("/role", "/deactivate", ""):
        fields = make.fields_of(admin, page_of(kesha.id)) | {"role": "admin", "name": "x"}
        admin.head(page_of(kesha.id, act), data=fields)
    assert state_of(app, kesha.id) == (Role.EMPLOYEE, True)
