"""The API of the small part in shop.py: coins for programs."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import Conflict, DatabaseAway, Invalid, NotFound, NotReady, TooMany
from ates.web.access import ADMINS, EVERYBODY, allow
from ates.web.api import Answer, Api, Cursor, Listed, Page, line, once
from tests.web import shop

api = Api("shop")


class Coin(Struct):
    """A coin."""

    id: int
    name: str


class NewCoin(Struct, forbid_unknown_fields=True):
    """What a coin needs."""

    name: Annotated[str, line(10, "penny", least=1)]
    note: str | None = None


class Coins(Page):
    """`name` narrows."""

    name: Annotated[str, line(10, "penny")] | None = None
    before: date | None = None


COINS = Cursor(int)


@api.lists("/coins", Coin, query=Coins)
@allow(EVERYBODY)
def coins(query: Coins) -> Listed[Coin]:
    """All coins."""
    place = COINS.read(query.after)
    wanted = select(shop.Coin).order_by(shop.Coin.id.desc()).limit(query.limit + 1)
    if place is not None:
        wanted = wanted.where(shop.Coin.id < place[0])
    with reading("shop") as session:
        rows = [Coin(row.id, row.name) for row in session.scalars(wanted)]
    return COINS.listed(rows, query.limit, lambda row: (row.id,), lambda row: row)


@api.acts("/coins", {201: Coin}, body=NewCoin)
@allow(EVERYBODY)
def put(body: NewCoin) -> Answer:
    """Put a coin in."""

    def do(session: Session) -> Answer:
        if body.name == "taken":
            raise Conflict("There is one already.")
        coin = shop.Coin(name=body.name)
        session.add(coin)
        session.flush()
        return Answer(Coin(coin.id, coin.name), 201, f"/api/v1/shop/coins/{coin.id}")

    return once("shop", do)


@api.acts("/empty", {200: Coin})
@allow(ADMINS)
def empty() -> Answer:
    """An act that needs no body, for admins."""
    return once("shop", lambda _: Answer(Coin(0, "none")))


@api.reads("/raise/<what>", Coin)
@allow(EVERYBODY)
def fail(what: str) -> Coin:
    """Every kind of refusal and fault."""
    errors: dict[str, Callable[[], Exception]] = {
        "404": lambda: NotFound("There is no such coin"),
        "409": lambda: Conflict("Taken by %(who)s at %(time)s.", who="Polly", time=clock.now()),
        "422": lambda: Invalid("There is a problem", fields={"name": "Write a name"}),
        "429": lambda: TooMany("Too many tries. Wait %(seconds)s seconds.", retry_after=40),
        "500": lambda: RuntimeError("a secret detail"),
        "502": lambda: NotReady("Twenty runs wait already."),
        "503": lambda: DatabaseAway("host=secret"),
    }
    raise errors[what]()
