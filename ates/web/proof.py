"""The access token: what it claims and how every part verifies it by itself. Knows no Flask."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.errors import ConfigError

ISSUER = "ates"
AUDIENCE = ("auth", "tasks", "accounting", "analytics", "ops")  # `aud` of every access token
ALGORITHM = "EdDSA"
LIFETIME = 600  # seconds
RENEW = 300  # a token with less than this left is renewed
LEEWAY = 30  # clocks of two hosts may differ this much
LONGEST = 4096  # characters; ours have about 500

_REQUIRED = ["iss", "sub", "aud", "name", "role", "locale", "epoch", "level", "iat", "nbf", "exp"]


@dataclass(frozen=True)
class Claims:
    """What a verified token says of a person."""

    person_id: UUID
    name: str
    role: Role
    locale: str
    epoch: int
    level: int
    expires: int  # seconds since 1970

    @property
    def left(self) -> float:
        """Seconds until it ends; negative when it is over."""
        return self.expires - clock.now().timestamp()

    @property
    def over(self) -> bool:
        return self.left <= -LEEWAY


class Forged(Exception):
    """The token is not one of ours, or was changed."""


def read_key(pem: str) -> Ed25519PrivateKey:
    """The signing key of Config. Raises ConfigError if it is no Ed25519 private key."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("ATES_SIGNING_KEY is no private key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("ATES_SIGNING_KEY must be an Ed25519 key.")
    return key


def key_id(public: Ed25519PublicKey) -> str:
    """The `kid` of a key: the beginning of the hash of its public half."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256(raw).hexdigest()[:16]


class Verifier:
    """Verifies tokens against the local set of public keys; no key ever comes from a token."""

    def __init__(self, *keys: Ed25519PublicKey) -> None:
        self._keys = {key_id(key): key for key in keys}

    def verify(self, token: str, audience: Sequence[str] = AUDIENCE) -> Claims:
        """The claims of a genuine token, also of one that is over (ask `over`).

        Raises Forged for everything else: another algorithm, key, issuer, audience, a token of the
        future, missing or odd claims.
        """
        if len(token) > LONGEST:
            raise Forged("too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            body = jwt.decode(
                token,
                self._keys[str(kid)],
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=list(audience),
                # Times are checked below against the kernel's clock, the only one.
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            return _claims(body)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise Forged(type(error).__name__) from error


def _claims(body: dict[str, Any]) -> Claims:
    soon = clock.now().timestamp() + LEEWAY
    for name in ("iat", "nbf", "exp", "epoch", "level"):
        if not isinstance(body[name], int) or isinstance(body[name], bool):
            raise ValueError(f"{name} is no whole number")
    if body["iat"] > soon or body["nbf"] > soon:
        raise ValueError("from the future")
    if body["exp"] - body["iat"] > LIFETIME:
        raise ValueError("lives too long")
    return Claims(
        person_id=UUID(body["sub"]),
        name=str(body["name"]),
        role=Role(body["role"]),
        locale=str(body["locale"]),
        epoch=body["epoch"],
        level=body["level"],
        expires=body["exp"],
    )
