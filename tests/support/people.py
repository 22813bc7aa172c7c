"""A person at a browser: signs in, opens pages, sends forms as they were drawn."""

import re
from dataclasses import dataclass
from html import unescape
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ates.auth import service
from ates.auth.gate import SessionGate
from ates.contracts.auth import Role
from ates.kernel.db import transaction
from ates.web import identity

_numbers = count(1)


@dataclass
class Visitor:
    """Somebody with a browser."""

    client: FlaskClient
    id: UUID
    name: str
    email: str

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def text(self, path: str) -> str:
        """A page's words, without markup. The page must answer 200."""
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return words(answer.text)

    def send(
        self, page: str, action: str, *, form_key: str | None = None, **fields: str
    ) -> TestResponse:
        """Open `page`, fill in and send the form with this action; the hidden fields go along."""
        drawn = self.client.get(page)
        assert drawn.status_code == 200, f"{page}: {drawn.status_code}\n{drawn.text[:2000]}"
        hidden = hidden_fields(drawn.text, action)
        if form_key is not None:
            hidden["key"] = form_key
        return self.client.post(action, data={**hidden, **fields})


def sign_in(app: Flask, role: Role, name: str | None = None) -> Visitor:
    """A new person of this role, with a session and its cookies."""
    number = next(_numbers)
    name = name or f"{role.capitalize()} {number}"
    email = f"{role}{number}@popug.example"
    with app.app_context():
        with transaction("auth") as session:
            person = service.create_person(session, email=email, name=name, role=role)
            session_id = service.open_session(session, person.id)
            who = person.id
        token = SessionGate().sign(session_id)
    assert token is not None
    client = app.test_client()
    names = identity.cookies_of(app.extensions["ates.config"])
    client.set_cookie(names.session, session_id)
    client.set_cookie(names.token, token)
    return Visitor(client, who, name, email)


def hidden_fields(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with this action."""
    for form in re.findall(r"<form\b.*?</form>", html, re.DOTALL):
        head = form[: form.index(">")]
        found = re.search(r'action="([^"]*)"', head)
        if found is not None and unescape(found[1]) == action:
            return {
                _attribute(each, "name"): _attribute(each, "value")
                for each in re.findall(r"<input[^>]*>", form)
                if 'type="hidden"' in each
            }
    raise AssertionError(f"no form with the action {action} in\n{words(html)[:2000]}")


def words(html: str) -> str:
    """What a person reads: text without tags, blanks folded."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
