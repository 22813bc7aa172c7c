"""A form's act: one transaction that also remembers the form's key (resilience.md, chapter 8)."""

import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app, request
from sqlalchemy.orm import Session

from ates.kernel import once
from ates.kernel.context import Context
from ates.kernel.db import transaction
from ates.kernel.errors import N_, BadRequest
from ates.web.identity import me

KEY = "key"
CSRF = "csrf"

_KEY = re.compile(r"[A-Za-z0-9_-]{16,100}")


@dataclass
class Deed:
    """What a view holds while it acts."""

    session: Session
    fresh: bool  # False: the same form was sent before and is answered the same
    location: str = "/"  # where the browser goes afterwards; kept with the key


@contextmanager
def act(part: str) -> Iterator[Deed]:
    """One act of `part` for a form of a signed-in person: its key, its change, one commit.

    Raises BadRequest without a usable key, Conflict when the key came with another content. A
    refusal inside the block undoes the key too: the corrected form may use it again.
    """
    model = requests_of(part)
    person, key = me().id, _key()
    with transaction(part) as session:
        before = once.begin(session, model, person=person, key=key, digest=_digest())
        if before is not None:
            yield Deed(session, fresh=False, location=before.location or "/")
            return
        deed = Deed(session, fresh=True)
        yield deed
        answer = once.Answer(303, deed.location, None)
        once.finish(session, model, person=person, key=key, answer=answer)


def sent_key() -> str | None:
    """The key of the form in hand, if it is well-formed."""
    key = request.form.get(KEY, "")
    return key if _KEY.fullmatch(key) else None


def requests_of(part: str) -> type[once.RequestColumns]:
    """The table in which a part remembers keys."""
    contexts: tuple[Context, ...] = current_app.extensions["ates.contexts"]
    found = next(each.requests for each in contexts if each.name == part)
    assert found is not None, f"{part} has forms but no table of their keys"
    return found


def keyed(content: bytes) -> str:
    """The digest of a request. Keyed: a body may hold a password, which a bare hash would tell."""
    secret = str(current_app.secret_key).encode()
    return hmac.digest(secret, b"ates.web: what a key was sent with\n" + content, "sha256").hex()


def _key() -> str:
    key = sent_key()
    if key is None:
        raise BadRequest(N_("The page was too old."))
    return key


def _digest() -> str:
    """Method, path and body; the CSRF field changes with each drawing and is left out."""
    body = sorted(pair for pair in request.form.items(multi=True) if pair[0] != CSRF)
    return keyed(json.dumps([request.method, request.path, body]).encode())
