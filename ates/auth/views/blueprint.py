"""The blueprint that all pages of auth belong to, and who stands at the door."""

from pathlib import Path

from flask import Blueprint

from ates.auth import passwords, service
from ates.auth.service import Candidate
from ates.kernel.db import transaction
from ates.kernel.errors import NotReady

pages = Blueprint(
    "auth",
    __name__,
    url_prefix="/auth",
    template_folder=str(Path(__file__).parents[1] / "templates"),
)


def proven(email: str, password: str, address: str | None) -> Candidate | None:
    """Who it is, if the password is right; counted before it is looked at (S4).

    Hashing happens between two transactions: it is slow on purpose, and holds no lock. Raises
    TooMany, NotReady.
    """
    with transaction("auth") as session:
        candidate = service.admit(session, email=email, address=address)
    try:
        right = passwords.is_right(password, candidate.password_hash)
    except NotReady:
        with transaction("auth") as session:
            service.give_back(session, candidate)
        raise
    return candidate if right else None
