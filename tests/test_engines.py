"""The machinery of the tests itself, since everything else leans on it."""

import smtplib
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import redis
from flask import Flask
from sqlalchemy import text

from ates.kernel import clock
from ates.kernel.db import Database, transaction

from .engines.marks import both
from .engines.people import Visitor
from .engines.smtp import MailServer
from .engines.wake import WakeServer

LETTER = "Subject: s\r\n\r\nb\r\n"


@both
def test_each_test_has_a_fresh_database(backend: str, app: Flask, database: Database) -> None:
    assert database.is_sqlite == (backend == "sqlite")
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM auth_person")) == 0
        assert session.scalar(text("SELECT count(*) FROM consumer")) == len(
            app.extensions["ates.inboxes"]
        )


@both
def test_somebody_signed_in_gets_a_page(
    sign_in: Callable[..., Visitor], drain: Callable[[], None]
) -> None:
    admin = sign_in("admin")
    drain()
    assert admin.get("/auth/people/").status_code == 200
    assert sign_in("employee").get("/auth/people/").status_code == 403


def test_a_moment_can_be_held(at: Callable[[str], AbstractContextManager[None]]) -> None:
    with at("2026-11-24T23:59:59+00:00"):
        assert clock.now().isoformat() == "2026-11-24T23:59:59+00:00"


def test_the_alarm_clock_can_be_killed_and_started(wake_engine: WakeServer) -> None:
    with redis.Redis.from_url(wake_engine.url) as client:
        client.set("a", 1)
    wake_engine.kill()
    wake_engine.start()
    with redis.Redis.from_url(wake_engine.url) as client:
        assert client.get("a") is None


def test_the_mail_server_takes_and_refuses(smtp: MailServer) -> None:
    with smtplib.SMTP("127.0.0.1", smtp.port) as line:
        line.sendmail("a@popug.example", ["b@popug.example"], LETTER)
        smtp.mode = "later"
        with pytest.raises(smtplib.SMTPDataError):
            line.sendmail("a@popug.example", ["b@popug.example"], LETTER)
        smtp.mode = "drop_after"
        with pytest.raises(smtplib.SMTPServerDisconnected):
            line.sendmail("a@popug.example", ["b@popug.example"], LETTER)
    assert (len(smtp.letters), smtp.tries) == (2, 3)


def test_a_transaction_needs_the_application(app: Flask) -> None:
    with app.app_context(), transaction("tasks") as session:
        assert session.scalar(text("SELECT 1")) == 1
