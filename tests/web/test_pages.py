"""The shell's own pages: health, help, the mailbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from . import shop as the_shop
from .shop import Shop

LETTER = b"""From: aTES <ates@localhost>\r
To: polly@example.com\r
Subject: =?utf-8?b?YVRFUzog0L/QuNGB0YzQvNC+?=\r
Date: Tue, 24 Nov 2026 00:10:00 +0000\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
Open http://127.0.0.1:8000/auth/invitation/abc <b>now</b>\r
"""


def test_alive_touches_nothing(shop: Shop) -> None:
    assert shop.client().get("/livez").text == "alive\n"


def test_help_pages(employee: FlaskClient) -> None:
    assert "A mistake? Ask an accountant for a correction." in employee.get("/help/money").text
    assert "<kbd>g</kbd>" in employee.get("/help/shortcuts").text


@contextmanager
def mailbox(folder: Path, **changes: object) -> Iterator[FlaskClient]:
    settings = the_shop.config(folder, **changes)
    settings.mail_folder.mkdir()
    (settings.mail_folder / "one.eml").write_bytes(LETTER)
    (settings.mail_folder / "one.tmp").write_bytes(b"half")
    (folder / "hidden.eml").write_bytes(LETTER)
    yield the_shop.open_shop(settings, {}).client()


def test_letters_can_be_read_on_this_machine(tmp_path: Path) -> None:
    with mailbox(tmp_path) as client:
        assert "aTES: письмо" in client.get("/mailbox/").text
        letter = client.get("/mailbox/one.eml").text
    link = "http://127.0.0.1:8000/auth/invitation/abc"
    assert f'<a href="{link}">{link}</a>' in letter
    assert "&lt;b&gt;now&lt;/b&gt;" in letter


@pytest.mark.parametrize("name", ["none.eml", "one.tmp", "..%2fhidden.eml", "%2e%2e/hidden.eml"])
def test_only_letters_of_the_folder(tmp_path: Path, name: str) -> None:
    with mailbox(tmp_path) as client:
        assert client.get(f"/mailbox/{name}").status_code == 404


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "::2", ""])
def test_nobody_from_elsewhere_reads_letters(tmp_path: Path, address: str) -> None:
    with mailbox(tmp_path) as client:
        for path in ("/mailbox/", "/mailbox/one.eml"):
            seen = client.get(path, environ_base={"REMOTE_ADDR": address})
            assert seen.status_code == 404


def test_a_proxy_on_this_machine_is_from_elsewhere(tmp_path: Path) -> None:
    with mailbox(tmp_path) as client:
        seen = client.get("/mailbox/", headers={"X-Forwarded-For": "192.0.2.7"})
        assert seen.status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"smtp_url": "smtp://localhost"}, {"env": "production", "url": "https://localhost"}],
)
def test_no_mailbox_where_letters_are_sent(tmp_path: Path, changes: dict[str, str]) -> None:
    with mailbox(tmp_path, **changes) as client:
        assert client.get("/mailbox/").status_code == 404
