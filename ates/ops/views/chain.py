"""The page that follows one act from the click to the letter."""

import re
from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.kernel.db import reading
from ates.ops import chain as chains
from ates.ops.chain import Chain
from ates.ops.views.blueprint import pages
from ates.web.access import ADMINS, allow

NUMBER = re.compile(r"[1-9][0-9]{0,17}")
ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@pages.get("/chain")
@allow(ADMINS)
def chain() -> ResponseReturnValue:
    """Of a task's number (`?task=1241`), or of the id of a request or an event (`?id=…`)."""
    asked = (request.args.get("id") or request.args.get("task") or "").strip().lower()[:100]
    with reading("ops") as session:
        found = _find(session, asked)
    return render_template("ops/chain.html", chain=found, asked=asked)


def _find(session: Session, asked: str) -> Chain | None:
    parts: Any = current_app.extensions["ates.contexts"]
    if NUMBER.fullmatch(asked):
        return chains.of_task(session, parts, int(asked))
    return chains.of_id(session, parts, asked) if ID.fullmatch(asked) else None
