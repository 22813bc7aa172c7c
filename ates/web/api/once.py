"""The same call twice is one act: the key that a program sends along (api.md, `Writing twice`)."""

import re
from collections.abc import Callable

import msgspec
from flask import request
from sqlalchemy.orm import Session

from ates.kernel import once as keys
from ates.kernel.db import transaction
from ates.kernel.errors import N_, BadRequest
from ates.web.api.operations import Answer
from ates.web.api.reading import canonical
from ates.web.identity import me
from ates.web.once import keyed, requests_of

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]{1,200}$"
_KEY = re.compile(PATTERN)


def once(part: str, do: Callable[[Session], Answer]) -> Answer:
    """One act of `part` in one transaction, and with a key its one answer for a week.

    Without a key the act is done each time it is asked for. The answer is made inside the
    transaction, so that what is repeated is what was true when it was done. Refusals write nothing
    and use no key up. Raises BadRequest for a key that is none, Conflict for another body.
    """
    key = _key()
    with transaction(part) as session:
        if key is None:
            return do(session)
        model, person = requests_of(part), me().id
        before = keys.begin(session, model, person=person, key=key, digest=_digest())
        if before is not None:
            return Answer(
                msgspec.Raw((before.body or "null").encode()), before.status, before.location
            )
        answer = do(session)
        text = msgspec.json.encode(answer.body).decode()
        keys.finish(
            session,
            model,
            person=person,
            key=key,
            answer=keys.Answer(answer.status, answer.location, text),
        )
        return answer


def _key() -> str | None:
    given = request.headers.get(HEADER)
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise BadRequest(N_("An Idempotency-Key has 1 to 200 printable characters."))
    return f"api:{given}"  # never the key of a form


def _digest() -> str:
    return keyed(f"{request.method} {request.path}\n".encode() + canonical())
