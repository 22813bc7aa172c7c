"""The session cookie and the token: what is believed and what is not."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ates.contracts.auth import Role
from ates.kernel import clock, ids
from ates.web import identity, proof

from . import shop as the_shop
from .shop import KEY, Shop, claims_for, token_for

POLLY = the_shop.person()
KID = proof.key_id(KEY.public_key())
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def raw(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    parts = [json.dumps(header).encode(), json.dumps(body, default=str).encode(), signature]
    return ".".join(part(each) for each in parts)


def hs256_with_the_public_key() -> str:
    unsigned = raw({"alg": "HS256", "typ": "JWT", "kid": KID}, claims_for(POLLY))
    head = unsigned.rpartition(".")[0]
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = signer.sign(head.encode(), PUBLIC_PEM)
    return head + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def signed(key: Ed25519PrivateKey, headers: dict[str, Any], **changes: object) -> str:
    return jwt.encode(claims_for(POLLY, **changes), key, algorithm="EdDSA", headers=headers)


def forgeries() -> dict[str, str]:
    now = int(clock.now().timestamp())
    other = Ed25519PrivateKey.generate()
    whole = token_for(POLLY)
    head, body, signature = whole.split(".")
    admin = raw({}, claims_for(POLLY, role="admin")).split(".")[1]
    missing = {k: v for k, v in claims_for(POLLY).items() if k != "epoch"}
    return {
        "none": raw({"alg": "none", "kid": KID}, claims_for(POLLY)),
        "None": raw({"alg": "None", "kid": KID}, claims_for(POLLY)),
        "hs256": hs256_with_the_public_key(),
        "another key, our kid": signed(other, {"kid": KID}),
        "foreign kid": signed(other, {"kid": proof.key_id(other.public_key())}),
        "own kid, foreign name": signed(KEY, {"kid": "../../etc"}),
        "no kid": signed(KEY, {}),
        "jwk": signed(other, {"kid": "x", "jwk": {"kty": "OKP"}, "jku": "http://evil.example"}),
        "audience": token_for(POLLY, aud=["somebody"]),
        "issuer": token_for(POLLY, iss="somebody"),
        "not yet": token_for(POLLY, nbf=now + 120),
        "issued tomorrow": token_for(POLLY, iat=now + 86400, exp=now + 86400 + 600),
        "for ever": token_for(POLLY, exp=now + 10 * 365 * 86400),
        "epoch as text": token_for(POLLY, epoch="1"),
        "another role": token_for(POLLY, role="emperor"),
        "no epoch": jwt.encode(missing, KEY, algorithm="EdDSA", headers={"kid": KID}),
        "sub": token_for(POLLY, sub="polly"),
        "changed body": f"{head}.{admin}.{signature}",
        "cut": whole[:-10],
        "no signature": f"{head}.{body}.",
        "10 kB": whole + "A" * 10_000,
        "nonsense": "x",
        "dots": "..",
    }


@pytest.mark.parametrize("trick", forgeries())
def test_a_forged_token_is_nobody_whatever_the_session_says(shop: Shop, trick: str) -> None:
    client = shop.sign_in(POLLY)
    session = client.get_cookie("ates_session")
    assert session is not None
    cookies = f"ates_session={session.value}; ates_token={forgeries()[trick]}"
    answer = shop.app.test_client(use_cookies=False).get("/shop/", headers={"Cookie": cookies})
    assert answer.status_code == 303
    ended = [each for each in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in each]
    assert any(each.startswith("ates_session=;") for each in ended)


def test_another_persons_token_is_refused(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    client.set_cookie("ates_token", token_for(the_shop.person(Role.ADMIN)))
    assert client.get("/shop/").status_code == 303


def test_a_token_without_a_session_is_nobody(shop: Shop) -> None:
    client = shop.client()
    client.set_cookie("ates_token", token_for(POLLY))
    assert client.get("/shop/").status_code == 303


def test_a_good_token_is_not_signed_again(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    assert client.get("/shop/").status_code == 200
    assert shop.sessions.signed == 0
    assert shop.sessions.asked == 1


@pytest.mark.parametrize("minutes", [6, 9, 11, 59])
def test_an_old_token_is_renewed_while_the_session_lives(shop: Shop, minutes: int) -> None:
    client = shop.sign_in(POLLY)
    before = client.get_cookie("ates_token")
    with clock.frozen(clock.now() + timedelta(minutes=minutes)):
        assert client.get("/shop/").status_code == 200
    assert shop.sessions.signed == 1
    assert before is not None
    after = client.get_cookie("ates_token")
    assert after is not None
    assert after.value != before.value


def test_a_missing_token_is_made_anew(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    client.delete_cookie("ates_token")
    assert client.get("/shop/").status_code == 200
    assert client.get_cookie("ates_token") is not None


def test_a_new_role_acts_on_the_next_request(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    assert client.get("/shop/rules/admins").status_code == 403
    cookie = client.get_cookie("ates_session")
    assert cookie is not None
    promoted = the_shop.person(Role.ADMIN, id=POLLY.id, epoch=2)
    shop.sessions.people[cookie.value] = promoted
    assert client.get("/shop/rules/admins").status_code == 200


def test_out_is_out(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    shop.sessions.people.clear()
    assert client.get("/shop/").status_code == 303
    assert client.get_cookie("ates_session") is None
    assert client.get_cookie("ates_token") is None


def test_without_the_database_nobody_is_believed_and_the_page_says_so(shop: Shop) -> None:
    client = shop.sign_in(POLLY)
    shop.sessions.away = True
    answer = client.get("/shop/")
    assert answer.status_code == 503
    assert "aTES is not answering." in answer.text
    assert client.get("/shop/public").status_code == 200
    shop.sessions.away = False
    assert client.get("/shop/").status_code == 200


def test_the_cookies(shop: Shop) -> None:
    with shop.asking():
        answer = shop.app.response_class("")
        identity.start_session(answer, ids.token(), token_for(POLLY))
    given = {each.partition("=")[0]: each for each in answer.headers.getlist("Set-Cookie")}
    assert set(given) == {"ates_session", "ates_token", "signed_in"}
    assert all("SameSite=Lax" in each and "Path=/" in each for each in given.values())
    assert "HttpOnly" in given["ates_session"]
    assert "HttpOnly" in given["ates_token"]
    assert "HttpOnly" not in given["signed_in"]


def test_over_https_the_cookies_are_bound_to_the_host(tmp_path: Any) -> None:
    settings = the_shop.config(tmp_path, url="https://ates.example")
    opened = the_shop.open_shop(settings, {})
    with opened.asking():
        answer = opened.app.response_class("")
        identity.start_session(answer, ids.token(), token_for(POLLY))
        identity.end_session(answer)
    given = answer.headers.getlist("Set-Cookie")
    assert {each.partition("=")[0] for each in given} == {
        "__Host-ates_session",
        "__Host-ates_token",
        "signed_in",
    }
    assert all("Secure" in each and "Domain" not in each for each in given)


def test_a_name_is_escaped(shop: Shop) -> None:
    text = shop.sign_in(POLLY).get("/shop/").text
    assert "Polly &lt;N.&gt;" in text
    assert "<N.>" not in text
