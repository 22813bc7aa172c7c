"""Letters of payouts over a real SMTP server at its worst (books.md, chapter 8 and case 42)."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from ates.accounting import gate
from ates.accounting.models import Payout, PayoutLetter
from ates.accounting.service import holds
from ates.auth import service as auth
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel import clock, db, mail, post
from ates.kernel.mail import LetterState
from tests.accounting.make import ARA, BIBI, BOOKS_KEYS, Office, moment, person
from tests.engines.marks import both
from tests.engines.settings import trial
from tests.engines.smtp import MailServer

PEOPLE = [UUID(int=0xD0 + number) for number in range(8)]
NIGHT = "28 00:10"
RIO, KLAVDIA = UUID(int=0xC1), UUID(int=0xC2)


@pytest.fixture
def config(tmp_path: Path, database_url: str, smtp: MailServer) -> Config:
    return trial(
        tmp_path,
        database_url,
        books_keys=BOOKS_KEYS,
        mail_from="aTES <a@popug.test>",
        smtp_url=smtp.url,
    )


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(post, "COMMAND_SECONDS", 0.5)


@pytest.fixture
def paid_night(office: Office) -> Office:
    """Eight people are paid a different sum each; seven of them have an address."""
    for number, who in enumerate(PEOPLE):
        office.adjust(who, 1000 + number, "27 09:00", id=number + 1)
        if number:
            office.meet(person(who, name=f"Popug {number}", email=f"p{number}@popug.test"))
    office.run(NIGHT)
    return office


def at(**later: float) -> Any:
    """So much after the payout."""
    return clock.frozen(moment(NIGHT) + timedelta(**later))


def states(office: Office) -> Counter[str]:
    return Counter(row.state for row in letters(office))


def letters(office: Office) -> list[Any]:
    return office.rows(select(PayoutLetter.__table__).order_by(PayoutLetter.account_id))


def money(office: Office) -> list[Any]:
    payouts = office.rows(select(Payout.__table__).order_by(Payout.account_id))
    return [payouts, office.balances(), office.verify("quick")]


@both
def test_no_letter_is_lost_no_sum_is_wrong_and_only_doubt_is_doubled(
    paid_night: Office, smtp: MailServer
) -> None:
    """Each mood for one letter: hung, deferred, refused, cut before and after it was taken."""
    before = money(paid_night)
    smtp.moods = ["hang", "later", "refuse", "drop_before", "drop_after", "accept"]
    with at(minutes=1):
        mail.send_due()
    assert states(paid_night) == {
        "waiting_address": 1,
        "sent": 2,
        "queued": 1,
        "failed": 1,
        "unknown": 3,
    }
    assert money(paid_night) == before
    smtp.stop()
    with at(minutes=5):
        mail.send_due()
    assert states(paid_night)["queued"] == 1, "a server that is away is no doubt"
    smtp.start()
    with at(minutes=20):
        mail.send_due()
    assert states(paid_night) == {"waiting_address": 1, "failed": 1, "sent": 6}
    with at(minutes=30), db.transaction("accounting") as session:
        assert mail.again(session, gate.BOX, LetterState.FAILED) == 1
    paid_night.meet(person(PEOPLE[0], name="Popug 0", email="p0@popug.test"), at="28 00:40")
    with at(minutes=40):
        mail.send_due()
    assert states(paid_night) == {"sent": 8}
    assert money(paid_night) == before
    came(paid_night, smtp)


def came(office: Office, smtp: MailServer) -> None:
    """Everybody's letter came with its sum, at least once; more often only after doubt."""
    copies: dict[str, list[bytes]] = {}
    for each in smtp.letters:
        copies.setdefault(str(each["Message-ID"]), []).append(each.as_bytes())
    for row in letters(office):
        found = copies.pop(row.message_id)
        assert 1 <= len(found) <= 1 + row.doubts, row.message_id
        assert len(set(found)) == 1, "the same bytes"
        number = row.account_id - 1
        assert f"You are paid $10.0{number} for 27 March" in found[0].decode()
    assert copies == {}, "and no other letter"


@both
def test_while_everything_is_held_letters_of_payouts_stay_and_others_go(
    paid_night: Office, smtp: MailServer, app: Flask
) -> None:
    with at(minutes=1):
        with db.transaction("accounting") as session:
            held = holds.hold_everything(
                session, paid_night.books, reason="restored from a copy", by=RIO
            )
        with db.transaction("auth") as session:
            polly = auth.create_person(
                session, email="polly@popug.test", name="Polly", role=Role.EMPLOYEE
            )
            auth.invite(session, polly.id)
        assert mail.send_due() == 1
        assert [each["To"] for each in smtp.letters] == ["polly@popug.test"]
        assert states(paid_night) == {"waiting_address": 1, "queued": 7}
        with db.transaction("accounting") as session:
            holds.release(session, paid_night.books, held, by=KLAVDIA)
        assert mail.send_due() == 7
    assert states(paid_night) == {"waiting_address": 1, "sent": 7}


def test_an_address_that_goes_away_waits_and_one_that_is_malformed_fails(
    office: Office, smtp: MailServer
) -> None:
    office.meet(person(ARA), person(BIBI, email="no address"))
    office.adjust(ARA, 100, "27 09:00", id=1)
    office.adjust(BIBI, 100, "27 09:00", id=2)
    office.run(NIGHT)
    office.meet(person(ARA, version=2, email=None), at="28 00:11")
    with at(minutes=2):
        mail.send_due()
    assert [row.state for row in letters(office)] == ["waiting_address", "failed"]
    assert smtp.tries == 0
    office.meet(person(ARA, version=3), at="28 00:15")
    with at(minutes=6):
        mail.send_due()
    assert [row.state for row in letters(office)] == ["sent", "failed"]
