"""Letters over a real SMTP server that refuses, drops, hangs and dies (books.md, chapter 8)."""

import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from flask import Flask

from ates.kernel import clock, db, mail, post
from ates.kernel.errors import ConfigError
from tests.engines.run import free_port
from tests.engines.smtp import MailServer
from tests.kernel import letters
from tests.kernel.faults import replaced
from tests.kernel.letters import rows, states, write
from tests.kernel.plant import Plant

TO = "polly@popug.example"


def office(app: Flask, url: str, folder: Path) -> Flask:
    carrier = post.carrier(app, url, "aTES <ates@popug.example>", folder)
    mail.init_app(app, [letters.BOX], letters.render, carrier)
    return app


@pytest.fixture
def app(plant: Plant, smtp: MailServer, tmp_path: Path) -> Flask:
    """The plant with a letter box and a mail server; nobody answers its bell."""
    plant.app.extensions["ates.bell"] = SimpleNamespace(ring=lambda _: None)
    return office(plant.app, smtp.url, tmp_path)


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(post, "COMMAND_SECONDS", 0.5)


def later(app: Flask, **much: float) -> int:
    """What is due after a while, sent."""
    with clock.frozen(clock.now() + timedelta(**much)):
        return mail.send_due()


def same(smtp: MailServer) -> set[bytes]:
    """The different letters that came, to the byte."""
    return {each.as_bytes() for each in smtp.letters}


def test_an_accepted_letter_is_sent_once_with_fixed_headers(app: Flask, smtp: MailServer) -> None:
    (identity,) = write(app, TO)
    assert mail.send_due() == 1
    assert mail.send_due() == 0
    (row,) = rows(app)
    assert (row.state, row.attempts, row.reply) == ("sent", 1, "250 2.0.0 taken")
    assert row.sent_at is not None
    (letter,) = smtp.letters
    assert letter["Message-ID"] == f"<toy.{identity}@popug.example>"
    assert letter["X-Correlation-Id"] == "click-1"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].endswith(("+0000", "GMT"))
    assert letter["To"] == TO
    assert not letter.is_multipart()
    payload = letter.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert "12,50 €" in payload.decode()


def test_a_deferred_letter_waits_a_minute_and_gives_up_after_two_days(
    app: Flask, smtp: MailServer
) -> None:
    smtp.mode = "later"
    write(app, TO)
    assert mail.send_due() == 1
    (row,) = rows(app)
    assert (row.state, row.doubts) == ("queued", 0)
    assert "451" in (row.reply or "")
    assert row.next_try_at is not None
    assert timedelta(seconds=40) < row.next_try_at - clock.now() < timedelta(seconds=80)
    assert mail.send_due() == 0
    pauses = []
    for hours in range(1, 8):
        now = clock.now() + timedelta(hours=hours)
        with clock.frozen(now):
            assert mail.send_due() == 1
        (row,) = rows(app)
        assert row.next_try_at is not None
        pauses.append(round((row.next_try_at - now) / timedelta(minutes=1), 1))
    assert pauses == sorted(pauses), "less and less often"
    assert 2 <= pauses[0] < pauses[-1] == 60.0, "up to an hour"
    assert later(app, hours=47) == 1
    assert states(app) == ["queued"]
    assert later(app, hours=49) == 1
    assert states(app) == ["failed"]


def test_an_old_letter_that_is_sent_again_gets_its_tries(app: Flask, smtp: MailServer) -> None:
    """The mail server was away for three days: the first "later" must not be the last."""
    smtp.mode = "later"
    write(app, TO)
    for day in range(3, 3 + mail.TRIES):
        assert states(app) == ["queued"]
        later(app, days=day)
    assert states(app) == ["failed"]
    with app.app_context(), db.transaction("toy") as session:
        assert mail.again(session, letters.BOX, mail.LetterState.FAILED) == 1
    smtp.mode = "later"
    later(app, days=20)
    assert states(app) == ["queued"]
    smtp.mode = "accept"
    later(app, days=21)
    assert states(app) == ["sent"]


def test_a_refused_letter_fails_and_holds_up_no_other(app: Flask, smtp: MailServer) -> None:
    smtp.mode = "refuse"
    write(app, TO)
    mail.send_due()
    smtp.mode = "accept"
    write(app, TO)
    mail.send_due()
    assert states(app) == ["failed", "sent"]
    assert "550 5.7.1 not wanted" in (rows(app)[0].reply or "")


def test_a_malformed_or_missing_address_holds_up_only_itself(app: Flask, smtp: MailServer) -> None:
    write(app, "no address", None, "a@b\r\nBcc: all@popug.example", "broken@popug.example", TO)
    mail.send_due()
    assert states(app) == ["failed", "waiting_address", "failed", "queued", "sent"]
    assert "cannot be composed" in (rows(app)[3].reply or "")
    assert [each["To"] for each in smtp.letters] == [TO]


def test_no_server_is_no_doubt(app: Flask, tmp_path: Path) -> None:
    office(app, f"smtp://127.0.0.1:{free_port()}", tmp_path)
    write(app, TO)
    assert mail.send_due() == 1
    assert states(app) == ["queued"]
    assert "no connection" in (rows(app)[0].reply or "")


@pytest.mark.parametrize("mood", ["drop_before", "drop_after", "hang"])
def test_a_broken_answer_is_doubt_and_the_repeat_has_the_same_bytes(
    app: Flask, smtp: MailServer, mood: str
) -> None:
    smtp.mode = mood
    write(app, TO)
    mail.send_due()
    (row,) = rows(app)
    assert (row.state, row.doubts) == ("unknown", 1)
    smtp.mode = "accept"
    assert later(app, minutes=14) == 0
    assert later(app, minutes=16) == 1
    assert states(app) == ["sent"]
    assert len(same(smtp)) == 1, "a repeat is the same letter to the byte"
    assert len(smtp.letters) == {"drop_before": 1, "drop_after": 2}.get(mood, len(smtp.letters))


def test_a_line_that_breaks_before_the_letter_is_no_doubt(app: Flask, smtp: MailServer) -> None:
    smtp.mode = "gone"
    write(app, TO)
    mail.send_due()
    (row,) = rows(app)
    assert (row.state, row.doubts) == ("queued", 0)
    assert "the connection broke" in (row.reply or "")
    smtp.mode = "accept"
    assert later(app, minutes=2) == 1
    assert states(app) == ["sent"]
    assert len(smtp.letters) == 1


def test_a_server_that_restarts_loses_no_letter_and_doubles_none(
    app: Flask, smtp: MailServer
) -> None:
    write(app, TO)
    mail.send_due()
    smtp.stop()
    write(app, "margo@popug.example")
    mail.send_due()
    smtp.start()
    assert states(app) == ["sent", "queued"]
    later(app, minutes=2)
    assert states(app) == ["sent", "sent"]
    assert len(smtp.letters) == len(same(smtp)) == 2


def test_a_doubt_that_stays_one_is_repeated_less_and_less_often_then_a_person_decides(
    app: Flask, smtp: MailServer
) -> None:
    """A server that takes each letter and cuts the line would fill the receiver's box."""
    smtp.mode = "drop_after"
    write(app, TO, "margo@popug.example")
    now, pauses = clock.now(), []
    while True:
        with clock.frozen(now):
            mail.send_due()
        row = rows(app)[0]
        assert row.state == "unknown"
        if row.next_try_at is None:
            break
        pauses.append(round((row.next_try_at - now) / timedelta(minutes=15)))
        now = row.next_try_at
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128]
    assert row.doubts == len(pauses) + 1
    assert later(app, days=30) == 0
    first, second = rows(app)
    with app.app_context(), db.transaction("toy") as session:
        assert mail.give_up(session, letters.BOX, letters.Note.id == first.id) == 1
        unknown = mail.LetterState.UNKNOWN
        assert mail.again(session, letters.BOX, unknown, letters.Note.id == second.id) == 1
    smtp.mode = "accept"
    later(app, days=30)
    assert states(app) == ["failed", "sent"]
    assert len(same(smtp)) == 2, "the same letters, however often"


def test_while_a_box_is_held_its_letters_stay_and_doubt_is_still_noticed(
    app: Flask, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [True]
    monkeypatch.setattr(letters, "BOX", replace(letters.BOX, held=lambda _: held[0]))
    office(app, smtp.url, Path(app.instance_path))
    write(app, TO)
    assert mail.send_due() == 0
    assert states(app) == ["queued"]
    assert smtp.tries == 0
    held[0] = False
    assert mail.send_due() == 1
    assert states(app) == ["sent"]


def test_letters_behind_a_slow_one_are_given_back_before_their_claim_runs_out(
    app: Flask, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another worker takes them for lost, and both send them."""
    write(app, *[f"popug{each}@popug.example" for each in range(3)])
    send = post._SmtpLine.send
    now = clock.now()

    def slow(line: post._SmtpLine, parcel: post.Parcel) -> post.Outcome:
        outcome = send(line, parcel)
        clock._frozen = now + timedelta(minutes=4)
        return outcome

    with clock.frozen(now):
        claimed = app.extensions["ates.letters"].claim(letters.BOX)
        with replaced(post._SmtpLine, "send", slow):
            app.extensions["ates.letters"].deliver(claimed)
    assert states(app) == ["sent", "queued", "queued"]
    assert [row.attempts for row in rows(app)] == [1, 0, 0]
    assert later(app, minutes=5) == 2
    assert set(states(app)) == {"sent"}
    assert len(smtp.letters) == 3


def _die_after_sending(url: str, smtp_url: str, folder: Path) -> None:
    plant = Plant(url)
    office(plant.app, smtp_url, folder)
    settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731 - one line, one death
    with plant.app.app_context(), replaced(mail.Post, "settle", settle):
        mail.send_due()


def test_a_worker_killed_after_sending_leaves_doubt_not_silence(
    plant: Plant, app: Flask, smtp: MailServer, tmp_path: Path
) -> None:
    write(app, TO)
    process = multiprocessing.get_context("forkserver").Process(
        target=_die_after_sending, args=(plant.url, smtp.url, tmp_path)
    )
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    assert states(app) == ["sending"]
    assert later(app, minutes=4) == 0, "the claim still holds"
    later(app, minutes=6)
    assert states(app) == ["unknown"]
    later(app, minutes=22)
    assert states(app) == ["sent"]
    assert len(smtp.letters) == 2
    assert len(same(smtp)) == 1


def test_two_senders_at_once_send_each_letter_once(app: Flask, smtp: MailServer) -> None:
    write(app, *[f"popug{each}@popug.example" for each in range(24)])

    def send() -> None:
        with app.app_context(), suppress(Exception):
            mail.send_due()

    threads = [Thread(target=send) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert set(states(app)) == {"sent"}
    assert len(smtp.letters) == len(same(smtp)) == 24


def test_without_a_server_letters_are_files_and_a_repeat_replaces_itself(
    plant: Plant, tmp_path: Path
) -> None:
    app = office(plant.app, "", tmp_path / "mail")
    write(app, TO, "not an address")
    mail.send_due()
    assert states(app) == ["sent", "failed"]
    (file,) = (tmp_path / "mail").iterdir()
    assert file.suffix == ".eml"
    assert b"Message-ID: <toy." in file.read_bytes()
    with app.app_context(), db.transaction("toy") as session:
        for each in session.query(letters.Note).filter_by(state="sent"):
            each.state, each.next_try_at = mail.LetterState.QUEUED, clock.now()
    mail.send_due()
    assert list((tmp_path / "mail").iterdir()) == [file]


@pytest.mark.parametrize("url", ["http://mail", "smtp://", "mail:25"])
@pytest.mark.parametrize("backend", ["sqlite"])
def test_an_address_that_names_no_server_is_refused(plant: Plant, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must be smtp"):
        office(plant.app, url, tmp_path)
