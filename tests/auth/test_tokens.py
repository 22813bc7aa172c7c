"""What auth signs: access tokens and the secrets of links."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ates.auth.gate import keys
from ates.auth.tokens import Seal, Subject
from ates.contracts.auth import Role
from ates.kernel import clock, ids
from ates.web import proof

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SUBJECT = Subject("f" * 64, ids.new(), "Kesha <A.>", Role.EMPLOYEE, "ru", 7, 1)


@pytest.fixture
def token(app: Flask) -> str:
    with app.app_context(), clock.frozen(NOON):
        return keys().signer.sign(SUBJECT)


def test_every_part_can_verify_a_token_by_itself(app: Flask, token: str) -> None:
    key = proof.read_key(app.extensions["ates.config"].signing_key)
    verifier = proof.Verifier(key.public_key())
    with clock.frozen(NOON + timedelta(minutes=9)):
        for part in proof.AUDIENCE:
            claims = verifier.verify(token, [part])
            assert not claims.over
    assert (claims.person_id, claims.name, claims.role) == (
        SUBJECT.person_id,
        "Kesha <A.>",
        "employee",
    )
    assert (claims.locale, claims.epoch, claims.level) == ("ru", 7, 1)


def test_a_token_lives_ten_minutes_by_the_kernels_clock(token: str) -> None:
    body = jwt.decode(token, options={"verify_signature": False})
    assert body["exp"] - body["iat"] == 600
    assert body["iat"] == body["nbf"] == int(NOON.timestamp())


def test_a_token_names_its_key_and_only_a_part_of_the_sessions_hash(token: str) -> None:
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "EdDSA"
    assert header["kid"]
    assert jwt.decode(token, options={"verify_signature": False})["sid"] == "f" * 32


@given(st.uuids())
def test_a_seal_opens_what_it_closed_and_nothing_else(link: UUID) -> None:
    seal, other = Seal("x" * 40), Seal("y" * 40)
    token = seal.token(link)
    assert seal.opened(token) == link
    assert other.opened(token) is None
    changed = ("A" if token[0] != "A" else "B") + token[1:]
    assert seal.opened(changed) is None
    assert seal.opened(token[:-4]) is None


@given(st.text())
def test_a_seal_opens_no_rubbish(text: str) -> None:
    assert Seal("x" * 40).opened(text) is None
