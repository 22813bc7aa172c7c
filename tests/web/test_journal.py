"""One line a request: figures and ids within 400 bytes, nothing a person typed."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from ates.kernel import logs
from tests.engines.people import Visitor

SECRETS = ("correct horse battery", "Kiki of Plant 9", "planted@popug.example", "x" * 30)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log of the web process so far."""
    stream = io.StringIO()
    handler = logs.Lines(stream, logs.Json())
    logger = logging.getLogger("ates")
    level, logger.level = logger.level, logging.INFO
    logger.addHandler(handler)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined] # levels are cached

    def read() -> list[dict[str, Any]]:
        assert not any(secret in stream.getvalue() for secret in SECRETS)
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_request_says_who_asked_what_and_how_long_it_took(
    lines: Callable[[], list[dict[str, Any]]], sign_in: Callable[..., Visitor]
) -> None:
    client = sign_in("manager", name="Kiki of Plant 9")
    answer = client.get("/tasks/?q=Kiki+of+Plant+9")
    (line,) = lines()
    assert line.pop("ms") > 0
    assert 0 < line.pop("queries") <= 12
    assert line.pop("at")
    assert line == {
        "level": "info",
        "log": "ates.web.request",
        "message": "request",
        "request": answer.headers["X-Request-Id"],
        "actor": str(client.person),
        "endpoint": client.application.url_map.bind("").match("/tasks/")[0],
        "method": "GET",
        "status": 200,
    }
    assert len(json.dumps(line)) < 400


def test_neither_addresses_nor_passwords_nor_paths_are_told(
    lines: Callable[[], list[dict[str, Any]]], client: Visitor
) -> None:
    client.submit("/auth/sign-in", email="planted@popug.example", password=SECRETS[0])
    client.get("/auth/invitation/" + "x" * 30)
    client.get("/no/" + "x" * 1_000_000 + "%0A%1B")
    client.open("/", method="X" * 500)
    found = lines()
    assert [line["endpoint"] for line in found][-2] is None
    assert max(len(json.dumps(line, separators=(",", ":"))) for line in found) <= 400


def test_health_that_is_good_is_no_news(
    lines: Callable[[], list[dict[str, Any]]], client: Visitor
) -> None:
    client.get("/livez")
    assert client.get("/readyz?for=pages").status_code == 200
    assert lines() == []


def test_what_was_typed_stands_in_no_error(
    lines: Callable[[], list[dict[str, Any]]],
    app: Flask,
    client: Visitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error that repeats what it was given; the line has its traceback without it."""

    def break_down(*_: Any, **given: Any) -> None:
        raise ValueError(f"cannot use {given or _}")

    monkeypatch.setattr("ates.auth.views.door.proven", break_down)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.submit("/auth/sign-in", email="planted@popug.example", password=SECRETS[0])
    assert answer.status_code == 500
    told = [line for line in lines() if "traceback" in line]
    assert "ValueError: cannot use" in told[0]["traceback"]
    assert told[0]["request"] == answer.headers["X-Request-Id"]
