"""What auth signs: access tokens, which every part verifies, and the secrets of one-time links."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from uuid import UUID

import jwt

from ates.contracts.auth import Role
from ates.kernel import clock
from ates.web.proof import ALGORITHM, AUDIENCE, ISSUER, LIFETIME, key_id, read_key


@dataclass(frozen=True)
class Subject:
    """Whose session it is: what a token says."""

    session: str  # the hash of its id: names it, proves nothing
    person_id: UUID
    name: str
    role: Role
    locale: str
    epoch: int
    level: int


class Signer:
    """Signs access tokens with the one private key. Raises ConfigError for a key it cannot use."""

    def __init__(self, pem: str) -> None:
        self._key = read_key(pem)
        self._kid = key_id(self._key.public_key())

    def sign(self, subject: Subject) -> str:
        """A token for ten minutes from now."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": list(AUDIENCE),
            "sub": str(subject.person_id),
            "sid": subject.session[:32],
            "name": subject.name,
            "role": str(subject.role),
            "locale": subject.locale,
            "epoch": subject.epoch,
            "level": subject.level,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._kid})


class Seal:
    """Derives the secret of a one-time link from its id, so that no table keeps a secret.

    Whoever reads the database cannot make a link; whoever has the link has seen the letter.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"ates.auth: one-time links", "sha256")

    def token(self, link_id: UUID) -> str:
        """What stands in the letter: the id and its proof, 64 characters for an address."""
        return urlsafe_b64encode(link_id.bytes + self._proof(link_id.bytes)).decode()

    def opened(self, token: str) -> UUID | None:
        """The id in a genuine token, else None."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except (Error, ValueError):
            return None
        if len(raw) != 48 or not hmac.compare_digest(raw[16:], self._proof(raw[:16])):
            return None
        return UUID(bytes=raw[:16])

    def _proof(self, raw: bytes) -> bytes:
        return hmac.digest(self._key, raw, "sha256")
