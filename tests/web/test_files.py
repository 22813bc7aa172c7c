"""Files of the shell: hashed, immutable, and the vendored one is what it says it is."""

import json
import re
from hashlib import sha256
from pathlib import Path

from flask.testing import FlaskClient

from ates.web import headers

from .shop import Shop

STATIC = Path(headers.__file__).parent / "static"


def test_every_file_of_a_page_is_there_and_never_changes(shop: Shop) -> None:
    client = shop.client()
    page = client.get("/shop/public").text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(files) == 4
    for address in files:
        with client.get(address) as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_wrong_hash_is_not_kept(shop: Shop) -> None:
    with shop.client().get("/static/ates.css?v=0000") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
    assert shop.client().get("/static/../shell.py").status_code == 404
    assert shop.client().get("/static/nothing.css?v=1").status_code == 404


def test_files_ask_nobody_who_is_there(shop: Shop, employee: FlaskClient) -> None:
    employee.get("/static/ates.css").close()
    employee.get("/livez")
    assert shop.sessions.asked == 0


def test_vendored_files_are_what_they_say() -> None:
    listed = json.loads((STATIC / "vendor" / "vendor.json").read_text())
    assert {each["name"]: each["version"] for each in listed} == {"htmx.org": "4.0.1"}
    for each in listed:
        file = STATIC / "vendor" / each["file"]
        assert sha256(file.read_bytes()).hexdigest() == each["sha256"]
        assert each["licence"] == "0BSD"
        assert "Zero-Clause BSD" in (STATIC / "vendor" / each["licence_file"]).read_text()
    names = {each["file"] for each in listed} | {each["licence_file"] for each in listed}
    assert {path.name for path in (STATIC / "vendor").iterdir()} == names | {"vendor.json"}


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(employee: FlaskClient) -> None:
    for path in ("/shop/", "/help/money", "/help/shortcuts", "/nowhere"):
        page = employee.get(path).text
        assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_script_holds_no_words() -> None:
    script = re.sub(r"/\*.*?\*/", "", (STATIC / "ates.js").read_text(), flags=re.S)
    assert not re.findall(r'"[A-Z][a-z]+ [a-z]+', script)
