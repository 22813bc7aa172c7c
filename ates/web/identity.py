"""Who is asking: the session cookie and the access token behind Flask-Login's current user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, Request, Response, current_app, g, request
from flask_login import AnonymousUserMixin, LoginManager, current_user

from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.context import Context
from ates.kernel.errors import N_, SignedOut, is_outage
from ates.web import problems
from ates.web.proof import AUDIENCE, LONGEST, RENEW, Claims, Forged, Verifier, read_key


@dataclass(frozen=True)
class Alive:
    """What auth keeps of a session that is alive."""

    person_id: UUID
    epoch: int
    level: int


@dataclass(frozen=True)
class Bearer:
    """Whose API token it is, as auth knows the person now."""

    person_id: UUID
    name: str
    role: Role
    locale: str
    epoch: int
    level: int
    scope: str  # read or write


class Gate(Protocol):
    """What the part that keeps sessions offers to the shell (`Context.gate`)."""

    def bearer(self, token: str) -> Bearer | None:
        """The person of this API token, or None when it is unknown, over or revoked."""

    def alive(self, session_id: str) -> Alive | None:
        """The session of this cookie, or None when it is over. Asked on each request."""

    def sign(self, session_id: str) -> str | None:
        """A fresh access token for a session that is alive; auth alone signs."""


@dataclass(frozen=True)
class Person:
    """The signed-in person, made of claims alone."""

    id: UUID
    name: str
    role: Role
    locale: str
    epoch: int
    level: int
    scope: str = "write"  # of an API token; a session may do everything

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)


@dataclass(frozen=True)
class Cookies:
    """Names and flags of the cookies; the `__Host-` prefix needs https."""

    secure: bool

    @property
    def session(self) -> str:
        return self._named("ates_session")

    @property
    def token(self) -> str:
        return self._named("ates_token")

    @property
    def form(self) -> str:
        return self._named("ates_form")

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name


@dataclass(frozen=True)
class _Door:
    """What identity keeps in the application."""

    gate: Gate | None
    verifier: Verifier
    cookies: Cookies


SIGNED_IN = "signed_in"  # readable by ates.js, says nothing but yes


def cookies_of(config: Config) -> Cookies:
    """Secure cookies wherever people come over https."""
    return Cookies(config.production or urlsplit(config.url).scheme == "https")


def init_app(app: Flask, config: Config, contexts: Sequence[Context]) -> None:
    """Verify with the public half of the signing key; ask the one part that has a gate."""
    gate: Gate | None = next((each.gate for each in contexts if each.gate is not None), None)
    verifier = Verifier(read_key(config.signing_key).public_key())
    app.extensions["ates.identity"] = _Door(gate, verifier, cookies_of(config))
    manager = LoginManager()
    manager.session_protection = None  # sessions are auth's rows, not Flask's cookie
    manager.init_app(app, add_context_processor=False)
    manager.request_loader(_load)
    app.after_request(_hand_out)


# --- who ------------------------------------------------------------------------------------------


def who() -> Person | None:
    """The signed-in person or None. Raises DatabaseAway when the session cannot be asked."""
    user: Any = current_user._get_current_object()  # a proxy tells nobody its type
    return user if isinstance(user, Person) else None


def me() -> Person:
    """The signed-in person. Raises SignedOut when there is none."""
    person = who()
    if person is None:
        raise SignedOut(N_("Please sign in."))
    return person


def signed_in() -> bool:
    """Whether somebody is signed in."""
    return who() is not None


def seen() -> Person | None:
    """Like `who`, but nobody when the database is away: for the frame of pages that say so."""
    try:
        return who()
    except Exception as error:
        if not is_outage(error):
            raise
        g._login_user = AnonymousUserMixin()  # do not ask again in this request
        return None


def session_id() -> str | None:
    """The id in the session cookie, for auth's sign-out."""
    return request.cookies.get(_door().cookies.session)


def forget() -> None:
    """Begin a request knowing nobody, also where several requests share an application context."""
    for name in ("_login_user", "ates_token", "ates_over"):
        g.pop(name, None)


# --- cookies --------------------------------------------------------------------------------------


def start_session(response: Response, session_id: str, token: str) -> None:
    """Give the browser a new session: for auth's sign-in."""
    _set(response, _door().cookies.session, session_id)
    _set(response, _door().cookies.token, token)
    _set(response, SIGNED_IN, "1", readable=True)
    g.pop("ates_token", None)
    g.pop("ates_over", None)


def end_session(response: Response) -> None:
    """Take the cookies back: for auth's sign-out."""
    cookies = _door().cookies
    for name in (cookies.session, cookies.token, SIGNED_IN):
        response.delete_cookie(name, secure=cookies.secure, samesite="Lax")
    g.pop("ates_token", None)
    g.pop("ates_over", None)


def _set(response: Response, name: str, value: str, readable: bool = False) -> None:
    secure = _door().cookies.secure
    response.set_cookie(name, value, secure=secure, httponly=not readable, samesite="Lax")


def _hand_out(response: Response) -> Response:
    """After the answer: the renewed token, or the end of cookies that prove nothing any more."""
    fresh = g.pop("ates_token", None)
    if fresh is not None:
        _set(response, _door().cookies.token, fresh)
    elif g.pop("ates_over", False):
        end_session(response)
    return response


# --- proof ----------------------------------------------------------------------------------------


def _door() -> _Door:
    door = current_app.extensions["ates.identity"]
    assert isinstance(door, _Door)
    return door


def _load(asking: Request) -> Person | None:
    """Flask-Login's request loader. A forged token is refused, whatever the session says.

    The API is opened by a token in the header alone, pages by cookies alone: so no foreign page can
    make a browser call the API, and a header never mixes with somebody's cookies (S24).
    """
    door = _door()
    given = bearer_token(asking)
    if given is not None or problems.asked():
        return _of_token(door, given) if given and problems.asked() else None
    session = asking.cookies.get(door.cookies.session, "")
    token = asking.cookies.get(door.cookies.token, "")
    if not session:
        return None
    try:
        claims = door.verifier.verify(token, _audience(asking)) if token else None
        claims = _current(door, session, claims)
    except Forged:
        claims = None
    if claims is None:
        g.ates_over = True
        return None
    return _person(claims)


def bearer_token(asking: Request) -> str | None:
    """The token of the Authorization header, if it has one."""
    scheme, _, token = asking.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _of_token(door: _Door, token: str) -> Person | None:
    """The person of an API token. A part of its own takes access tokens instead."""
    if door.gate is None:
        try:
            claims = door.verifier.verify(token)
        except Forged:
            return None
        return None if claims.over else _person(claims)
    found = door.gate.bearer(token) if len(token) <= LONGEST else None
    return _person(found, scope=found.scope) if found is not None else None


def _person(said: Claims | Bearer, *, scope: str = "write") -> Person:
    return Person(
        id=said.person_id,
        name=said.name,
        role=said.role,
        locale=said.locale,
        epoch=said.epoch,
        level=said.level,
        scope=scope,
    )


def _current(door: _Door, session: str, claims: Claims | None) -> Claims | None:
    """The claims as they are now: asked, and renewed where the token is old. None: out is out."""
    if door.gate is None:  # a part of its own trusts the token while it lives
        return claims if claims and not claims.over else None
    alive = door.gate.alive(session)
    if alive is None:
        return None
    if claims is not None and claims.person_id != alive.person_id:
        raise Forged("another person's token")
    if claims is not None and _good(claims, alive):
        return claims
    fresh = door.gate.sign(session)
    if fresh is None:
        return None
    g.ates_token = fresh
    return door.verifier.verify(fresh)


def _good(claims: Claims, alive: Alive) -> bool:
    return claims.left > RENEW and claims.epoch >= alive.epoch and claims.level == alive.level


def _audience(asking: Request) -> Sequence[str]:
    """The part that is asked must be among those the token is for."""
    part = (asking.blueprint or "").partition(".")[0]
    return (part,) if part in AUDIENCE else AUDIENCE
