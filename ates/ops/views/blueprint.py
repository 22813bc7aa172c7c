"""The blueprint that all pages of operations belong to, and what its templates share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Blueprint
from sqlalchemy.orm import Session

from ates.kernel import db, worker
from ates.kernel.generations import base_of
from ates.ops.views import words

pages = Blueprint(
    "ops",
    __name__,
    url_prefix="/ops",
    template_folder=str(Path(__file__).parents[1] / "templates"),
)


@pages.context_processor
def shared() -> dict[str, Any]:
    """Functions of the templates."""
    return {"doing": words.doing}


def wake(session: Session, consumers: Iterable[str]) -> None:
    """After the commit, ring these consumers; without Redis the sweep finds them in a second."""
    names = sorted({base_of(name) for name in consumers})
    db.after_commit(session, "ops", lambda: worker.bell().ring(names))
