"""The pages of the own tokens and sessions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from flask import Flask
from sqlalchemy import func, select

from ates.auth.models import Token
from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.db import reading
from tests.auth import make
from tests.engines.people import Visitor, form_of

TOKENS, SESSIONS = "/auth/me/tokens", "/auth/me/sessions"
ME = "/api/v1/auth/me"
Enter = Callable[..., Visitor]


class _Shown(HTMLParser):
    text = ""
    inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "textarea" and ("readonly", None) in attrs

    def handle_data(self, data: str) -> None:
        self.text += data if self.inside else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


def shown(page: str) -> str:
    """The token on the page after one was made."""
    parser = _Shown()
    parser.feed(page)
    return parser.text


def count(app: Flask) -> int:
    with app.app_context(), reading("auth") as session:
        return session.scalar(select(func.count()).select_from(Token)) or 0


def opens(app: Flask, token: str) -> bool:
    answer = app.test_client().get(ME, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_made_shown_once_used_and_revoked(app: Flask, sign_in: Enter) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    assert TOKENS in kesha.get("/auth/me").text
    answer = kesha.submit(TOKENS, name="Night <report>", scope="write")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = shown(answer.text)
    assert opens(app, token)
    listed = kesha.get(TOKENS).text
    assert "Night &lt;report&gt;" in listed
    assert "read and write" in listed
    assert token[5:] not in listed
    ask = f"{TOKENS}/{_only(app)}/revoke"
    assert ask in listed
    page = kesha.get(ask).text
    assert "This cannot be undone." in page
    assert opens(app, token), "asking changes nothing"
    assert kesha.submit(ask).location == TOKENS
    assert not opens(app, token)
    assert "Night" not in kesha.get(TOKENS).text
    assert "This token is revoked." in kesha.get(ask).text


def test_the_same_form_twice_makes_one_token_and_says_so(app: Flask, sign_in: Enter) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    fields = make.fields_of(kesha, TOKENS) | {"name": "report"}
    first, second = (kesha.post(TOKENS, data=fields) for _ in range(2))
    assert opens(app, shown(first.text))
    assert shown(second.text) == ""
    assert "This token was made already, and it is shown only once." in second.text
    assert count(app) == 1


def test_a_refused_form_keeps_what_was_typed_and_makes_nothing(app: Flask, sign_in: Enter) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    for name, scope, sentence in [
        ("", "write", "Say what the token is for."),
        ("x" * 51, "write", "Keep it within 50 characters."),
        ("report", "all", "Choose one of the list."),
        ("report", "", "Choose what the token may do."),
    ]:
        answer = kesha.submit(TOKENS, name=name, scope=scope)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{name}"' in answer.text
    assert count(app) == 0


def test_a_new_token_may_only_read_unless_one_chooses(app: Flask, sign_in: Enter) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    kesha.submit(TOKENS, name="report")
    with app.app_context(), reading("auth") as session:
        assert session.scalars(select(Token.scope)).all() == ["read"]


def test_a_foreign_token_is_not_there(app: Flask, sign_in: Enter) -> None:
    kesha, admin = sign_in(Role.EMPLOYEE), sign_in(Role.ADMIN)
    token = shown(kesha.submit(TOKENS, name="report").text)
    foreign = f"{TOKENS}/{_only(app)}/revoke"
    assert admin.get(foreign).status_code == 404
    fields = make.fields_of(admin, TOKENS)
    assert admin.post(foreign, data=fields).status_code == 404
    assert "data-row" not in admin.get(TOKENS).text
    assert opens(app, token)


def test_many_tokens_come_in_pages(sign_in: Enter) -> None:
    kesha = sign_in(Role.EMPLOYEE)
    for number in range(51):
        kesha.submit(TOKENS, name=f"report {number}.")
    first = kesha.get(TOKENS).text
    assert "report 50." in first
    assert "report 0." not in first
    more = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "report 0." in kesha.get(more).text
    assert kesha.get(f"{TOKENS}?after=x").status_code == 200


def _only(app: Flask) -> str:
    with app.app_context(), reading("auth") as session:
        return str(session.scalars(select(Token.id)).one())


# --- sessions -------------------------------------------------------------------------------------


def test_one_session_is_ended_from_another(app: Flask) -> None:
    kesha = make.somebody(app)
    here, there = make.enter(app, kesha), make.enter(app, kesha)
    page = here.get(SESSIONS).text
    assert page.count("this one") == 1
    _, fields = form_of(page, f"{SESSIONS}/end")
    assert here.post(f"{SESSIONS}/end", data=fields).location == SESSIONS
    assert "The session is ended." in here.get(SESSIONS).text
    assert not make.is_in(there)
    assert make.is_in(here)


def test_all_others_are_ended_and_this_one_stays(app: Flask) -> None:
    kesha = make.somebody(app)
    here, *others = (make.enter(app, kesha) for _ in range(3))
    here.submit(SESSIONS, f"{SESSIONS}/end-others")
    assert make.is_in(here)
    assert [make.is_in(each) for each in others] == [False, False]
    assert "End all others" not in here.get(SESSIONS).text


def test_a_foreign_session_cannot_be_seen_or_ended(app: Flask) -> None:
    kesha, thief = make.somebody(app), make.enter(app, make.somebody(app))
    here, there = make.enter(app, kesha), make.enter(app, kesha)
    _, fields = form_of(here.get(SESSIONS).text, f"{SESSIONS}/end")
    own = make.fields_of(thief, make.INSIDE, "/auth/me")
    for number, session in enumerate((fields["session"], "x", "\x00", "")):
        sent = {"csrf": own["csrf"], "key": f"{own['key']}{number}", "session": session}
        assert thief.post(f"{SESSIONS}/end", data=sent).status_code == 303
    assert make.is_in(here)
    assert make.is_in(there)
    assert thief.get(SESSIONS).text.count("data-row") == 1


def test_a_session_that_is_over_is_not_listed(app: Flask) -> None:
    kesha, noon = make.somebody(app), datetime(2026, 11, 24, 12, tzinfo=UTC)
    with clock.frozen(noon):
        make.enter(app, kesha)
    with clock.frozen(noon + timedelta(minutes=61)):
        assert make.enter(app, kesha).get(SESSIONS).text.count("data-row") == 1
