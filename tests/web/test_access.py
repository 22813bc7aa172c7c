"""Who may come in."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Blueprint, Flask

from ates.contracts.auth import Role
from ates.kernel.errors import ConfigError
from ates.web import access, shell
from ates.web.access import EVERYBODY, PUBLIC, Rule, allow

from . import shop as the_shop
from .shop import Shop

PAGES = {
    "/shop/public": frozenset({None, *Role}),
    "/shop/": frozenset(Role),
    "/shop/rules/shufflers": frozenset({Role.MANAGER, Role.ADMIN}),
    "/shop/rules/bookkeepers": frozenset({Role.ACCOUNTANT, Role.ADMIN}),
    "/shop/rules/admins": frozenset({Role.ADMIN}),
    "/help/money": frozenset(Role),
    "/livez": frozenset({None, *Role}),
}


def bare_app(folder: Path) -> Flask:
    app = Flask("ates.web")
    settings = the_shop.config(folder)
    app.extensions["ates.config"] = settings
    app.extensions["ates.contexts"] = ()
    shell.init_app(app, settings, ())
    return app


def test_a_route_without_a_rule_stops_the_start(tmp_path: Path) -> None:
    app = bare_app(tmp_path)
    app.add_url_rule("/open", "open", lambda: "anybody")
    with pytest.raises(ConfigError, match=r"open \(/open\)"):
        access.check(app)


def test_a_decorator_that_hides_the_rule_stops_the_start(tmp_path: Path) -> None:
    app = bare_app(tmp_path)
    pages = Blueprint("bad", __name__)
    ruled = allow(EVERYBODY)(lambda: "x")
    pages.add_url_rule("/bad", "hidden", lambda: ruled())
    app.register_blueprint(pages)
    with pytest.raises(ConfigError, match=r"bad\.hidden"):
        access.check(app)


def test_the_shells_own_routes_are_declared(tmp_path: Path) -> None:
    access.check(bare_app(tmp_path))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", [None, *Role])
def test_pages_by_role(shop: Shop, path: str, role: Role | None) -> None:
    client = shop.sign_in(the_shop.person(role)) if role else shop.client()
    answer = client.get(path)
    if role in PAGES[path]:
        assert answer.status_code == 200
    elif role is None:
        assert (answer.status_code, answer.location) == (303, f"/auth/sign-in?next={path}")
    else:
        assert answer.status_code == 403
        assert "This page is for other roles" in answer.text
    assert client.head(path).status_code == answer.status_code


def test_the_menu_shows_what_may_be_opened(shop: Shop) -> None:
    mine = shop.sign_in(the_shop.person()).get("/shop/").text
    admins = shop.sign_in(the_shop.person(Role.ADMIN)).get("/shop/").text
    assert "My account" in mine
    assert "People" not in mine
    assert 'data-key="g p"' in admins
    assert 'href="/shop/" data-key="g a" aria-current="page"' in admins


def test_a_rule_can_ask_for_a_second_factor() -> None:
    rule = Rule("careful", frozenset(Role), level=2)
    assert not rule.admits(the_shop.person(level=1))
    assert rule.admits(the_shop.person(level=2))
    assert not rule.admits(None)
    assert PUBLIC.admits(None)


def test_signed_out_comes_back_to_the_same_page(shop: Shop) -> None:
    answer = shop.client().get("/shop/?q=%2Fa&sort=age")
    back = parse_qs(urlsplit(answer.location).query)["next"]
    assert back == ["/shop/?q=%2Fa&sort=age"]


def test_a_signed_out_fragment_leads_the_whole_page_to_sign_in(shop: Shop) -> None:
    answer = shop.client().get(
        "/shop/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/shop/?q=1"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/auth/sign-in?next=")
    assert answer.text == ""


def test_home_is_by_role(shop: Shop) -> None:
    homes = {role: shop.sign_in(the_shop.person(role)).get("/").location for role in Role}
    assert homes == {
        Role.EMPLOYEE: "/tasks/mine",
        Role.MANAGER: "/tasks/",
        Role.ACCOUNTANT: "/accounting/",
        Role.ADMIN: "/analytics/",
    }
