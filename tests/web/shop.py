"""A small part to try the shell on: a till that counts what people put into it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Blueprint, Flask, redirect, render_template_string, url_for
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import Text, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel import clock, db, ids
from ates.kernel.context import Context, NavItem
from ates.kernel.db import STRICT, reading
from ates.kernel.errors import Conflict, DatabaseAway, Invalid, NotFound, TooMany
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt
from ates.web import access, identity, proof, shell
from ates.web.access import ADMINS, BOOKKEEPERS, EVERYBODY, PUBLIC, SHUFFLERS, allow
from ates.web.answers import poll, row_or_redirect
from ates.web.errors import refused
from ates.web.forms import Form, line, text
from ates.web.once import act

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class Base(DeclarativeBase):
    metadata = db.metadata()


class Coin(Base):
    __tablename__ = "shop_coin"
    __table_args__ = (STRICT,)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Asked(RequestColumns, Base):
    __tablename__ = "shop_request"
    __table_args__ = (STRICT,)


class CoinForm(Form):
    name = line(10, required="Write a name")
    about = text(20_000)


pages = Blueprint("shop", __name__, url_prefix="/shop")

FORM = """{% extends "layout.html" %}{% from "ui.html" import errors, field, guard with context %}
{% block title %}Coin{% endblock %}{% block notes %}{{ errors(form.errors) }}{% endblock %}
{% block content %}<form method="post">{{ guard() }}
{{ field("name", "Name", form.values.name, form.errors.name) }}
{{ field("about", "About", form.values.about, form.errors.about, rows=3) }}</form>{% endblock %}"""


@pages.get("/")
@allow(EVERYBODY)
def index() -> ResponseReturnValue:
    return render_template_string(FORM, form=CoinForm())


@pages.get("/public")
@allow(PUBLIC)
def public() -> ResponseReturnValue:
    return render_template_string(FORM, form=CoinForm())


@pages.post("/")
@allow(EVERYBODY)
def put() -> ResponseReturnValue:
    form = CoinForm.sent()
    try:
        form.check()
        with act("shop") as deed:
            if deed.fresh:
                deed.session.add(Coin(name=form.name))
                deed.location = url_for("shop.index", coin=form.name)
            if form.name == "taken":
                raise Conflict("There is one already.")
    except (Invalid, Conflict) as error:
        return refused("shop_form.html", form, error)
    return redirect(deed.location, 303)


@pages.post("/row")
@allow(EVERYBODY)
def row() -> ResponseReturnValue:
    with act("shop") as deed:
        if deed.fresh:
            deed.session.add(Coin(name="row"))
    return row_or_redirect("shop_row.html", to="/shop/#row")


@pages.get("/poll")
@allow(EVERYBODY)
def changed() -> ResponseReturnValue:
    return poll("shop_row.html")


@pages.get("/rules/shufflers")
@allow(SHUFFLERS)
def shufflers() -> ResponseReturnValue:
    return "shuffle"


@pages.get("/rules/bookkeepers")
@allow(BOOKKEEPERS)
def bookkeepers() -> ResponseReturnValue:
    return "books"


@pages.get("/rules/admins")
@allow(ADMINS)
def admins() -> ResponseReturnValue:
    return "everything"


@pages.route("/raise/<what>", methods=["GET", "POST"])
@allow(PUBLIC)
def fail(what: str) -> ResponseReturnValue:
    """Every kind of refusal and fault."""
    errors: dict[str, Callable[[], Exception]] = {
        "404": lambda: NotFound("There is no such coin"),
        "409": lambda: Conflict("Taken by %(who)s at %(time)s.", who="Polly", time=clock.now()),
        "422": lambda: Invalid("There is a problem", fields={"name": "Write a name"}),
        "429": lambda: TooMany("Too many tries. Wait %(seconds)s seconds.", retry_after=40),
        "500": lambda: RuntimeError("a secret detail"),
        "503": lambda: DatabaseAway("host=secret"),
    }
    raise errors[what]()


@dataclass
class Sessions:
    """What auth would keep: sessions by cookie, and who signs."""

    people: dict[str, identity.Person] = field(default_factory=dict)
    tokens: dict[str, identity.Bearer] = field(default_factory=dict)
    away: bool = False
    asked: int = 0
    signed: int = 0

    def alive(self, session_id: str) -> identity.Alive | None:
        self.asked += 1
        if self.away:
            raise DatabaseAway("gone")
        person = self.people.get(session_id)
        return identity.Alive(person.id, person.epoch, person.level) if person else None

    def bearer(self, token: str) -> identity.Bearer | None:
        if self.away:
            raise DatabaseAway("gone")
        return self.tokens.get(token)

    def sign(self, session_id: str) -> str | None:
        person = self.people.get(session_id)
        self.signed += 1
        return token_for(person) if person else None


def claims_for(person: identity.Person, **changes: object) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {
        "iss": proof.ISSUER,
        "aud": list(proof.AUDIENCE),
        "sub": str(person.id),
        "sid": "s",
        "name": person.name,
        "role": str(person.role),
        "locale": person.locale,
        "epoch": person.epoch,
        "level": person.level,
        "iat": now,
        "nbf": now,
        "exp": now + proof.LIFETIME,
        **changes,
    }


def token_for(person: identity.Person, **changes: object) -> str:
    kid = proof.key_id(KEY.public_key())
    return jwt.encode(claims_for(person, **changes), KEY, algorithm="EdDSA", headers={"kid": kid})


def person(role: Role = Role.EMPLOYEE, **changes: object) -> identity.Person:
    values: dict[str, object] = {
        "id": ids.new(),
        "name": "Polly <N.>",
        "role": role,
        "locale": "en",
        "epoch": 1,
        "level": 1,
    }
    return identity.Person(**(values | changes))  # type: ignore[arg-type]


def bearer_of(who: identity.Person, scope: str = "write") -> identity.Bearer:
    return identity.Bearer(who.id, who.name, who.role, who.locale, who.epoch, who.level, scope)


@dataclass
class Shop:
    """The application with its sessions."""

    app: Flask
    sessions: Sessions

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def sign_in(self, who: identity.Person) -> FlaskClient:
        client = self.client()
        session = ids.token()
        self.sessions.people[session] = who
        client.set_cookie("ates_session", session)
        client.set_cookie("ates_token", token_for(who))
        return client

    def caller(self, who: identity.Person, scope: str = "write") -> FlaskClient:
        """A program with a token of that person."""
        token = f"ates_{ids.token()}"
        self.sessions.tokens[token] = bearer_of(who, scope)
        client = self.client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def coins(self) -> list[str]:
        with self.app.app_context(), reading("shop") as session:
            return list(session.scalars(select(Coin.name).order_by(Coin.id)))

    @contextmanager
    def asking(self, path: str = "/", **headers: str) -> Iterator[None]:
        with self.app.test_request_context(path, headers=headers):
            yield


def config(folder: Path, **changes: object) -> Config:
    values: dict[str, object] = {
        "data": folder,
        "signing_key": PEM,
        "secret_key": "x" * 40,
        "books_keys": "1:" + "00" * 16,
        "database_url": f"sqlite:///{folder / 'shop.sqlite3'}",
        "unsafe_database": True,
    }
    return Config(**(values | changes))  # type: ignore[arg-type]


TEMPLATES = {"shop_form.html": FORM, "shop_row.html": "<tr id=row><td>done</td></tr>"}


def open_shop(
    settings: Config,
    frame: dict[str, Callable[[UUID], int | None]],
    api: Blueprint | None = None,
) -> Shop:
    sessions = Sessions()
    nav = [
        NavItem("shop.index", "My account", "a"),
        NavItem("shop.admins", "People", "p"),
    ]
    part = Context(
        "shop",
        Base.metadata,
        pages=pages,
        api=api,
        requests=Asked,
        gate=sessions,
        nav=nav,
        frame=frame,
    )
    app = Flask("ates.web")
    app.extensions["ates.config"] = settings
    app.extensions["ates.contexts"] = (part,)
    settings.data.mkdir(exist_ok=True)
    (settings.data / "shop.sqlite3").touch()
    db.init_app(app, db.Database(settings.database_url, unsafe=True))
    shell.init_app(app, settings, (part,))
    app.register_blueprint(pages)
    if api is not None:
        app.register_blueprint(api)
    access.check(app)
    loader = app.jinja_loader
    assert loader is not None
    original = loader.get_source

    def get_source(environment: object, template: str) -> object:
        if template in TEMPLATES:
            return TEMPLATES[template], None, lambda: True
        return original(environment, template)  # type: ignore[arg-type]

    loader.get_source = get_source  # type: ignore[assignment,method-assign]
    with app.app_context():
        Base.metadata.create_all(db.database("shop").engine)
    return Shop(app, sessions)


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the first form that puts a coin: its proof and its key."""
    form = page.split('<form method="post">')[-1]
    parts = [each.split('"')[0] for each in form.split('name="csrf" value="')[1:2]]
    keys = [each.split('"')[0] for each in form.split('name="key" value="')[1:2]]
    return {"csrf": parts[0], "key": keys[0]}
