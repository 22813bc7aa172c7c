"""A Config as an installation on trial has it: throw-away, with secrets of its own."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ates.config import Config

SIGNING_KEY = (
    Ed25519PrivateKey.from_private_bytes(b"only for the tests of aTES. 32 b")
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
BOOKS_KEYS = "1:" + "5a" * 32
SECRET_KEY = "only for tests, as long as it takes to be accepted"


def trial(data: Path, database_url: str, **changes: object) -> Config:
    """The settings of one test."""
    values: dict[str, object] = {
        "data": data,
        "database_url": database_url,
        "secret_key": SECRET_KEY,
        "signing_key": SIGNING_KEY,
        "books_keys": BOOKS_KEYS,
        "unsafe_database": True,
    }
    return Config(**(values | changes))  # type: ignore[arg-type]
