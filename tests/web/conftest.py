"""An application with nothing but the shell and a small part."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ates.contracts.auth import Role
from ates.kernel import db

from . import shop as the_shop
from .shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = the_shop.open_shop(the_shop.config(tmp_path), {"balance": lambda _: -1700})
    yield opened
    with opened.app.app_context():
        db.database("shop").close()


@pytest.fixture
def employee(shop: Shop) -> FlaskClient:
    return shop.sign_in(the_shop.person())


@pytest.fixture
def admin(shop: Shop) -> FlaskClient:
    return shop.sign_in(the_shop.person(Role.ADMIN))
