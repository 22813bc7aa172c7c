"""Passwords: argon2id hashes, one at a time per process, and what is refused as a password (S3)."""

import os
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ates.kernel.errors import N_, Invalid, NotReady

SHORTEST, LONGEST = 8, 128
MEMORY, PASSES, LANES = 19 * 1024, 2, 1  # KiB; OWASP's second choice, 33 ms here
SALT_BYTES, HASH_BYTES = 16, 32
PREFIX = f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$"
SLOT_SECONDS = 2.0

TOO_SHORT = N_("Use at least 8 characters.")
TOO_LONG = N_("Use at most 128 characters.")
UNSEEN = N_("Take out the invisible characters.")
COMMON = N_("This password is too easy to guess. Take another one.")
BUSY = N_("Too many people sign in at this moment. Try again in a few seconds.")

# Each hash takes 19 MiB and a core: without a limit, guessing would starve everybody's pages.
_slot = threading.BoundedSemaphore(1)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")


# A hash that no password has: checking against it costs the same as against a real one.
NOBODYS = f"{PREFIX}{_base64(bytes(SALT_BYTES))}${_base64(bytes(HASH_BYTES))}"


def hashed(password: str) -> str:
    """The PHC text to keep. Raises NotReady when others hash for longer than two seconds."""
    with _one_at_a_time():
        return _argon2id(password)


def is_right(password: str, phc: str | None) -> bool:
    """Whether the password belongs to the hash; the same work when there is none (S5).

    Raises NotReady as `hashed`.
    """
    with _one_at_a_time():
        try:
            Argon2id.verify_phc_encoded(_bytes(password), phc or NOBODYS)
        except InvalidKey:
            return False
    return phc is not None


def outdated(phc: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return not phc.startswith(PREFIX)


def check(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Refuse a password that is too short, too long, common, or a word of `about` (S3).

    Raises Invalid with a sentence for the field `password`.
    """
    problem = _problem(unicodedata.normalize("NFC", password), about)
    if problem:
        raise Invalid(N_("There is a problem"), fields={"password": problem})


def _problem(password: str, about: tuple[str, ...]) -> str | None:
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    if any(unicodedata.category(each) in ("Cc", "Cs", "Cn") for each in password):
        return UNSEEN
    return COMMON if _is_common(password, about) else None


_LEET = str.maketrans("013457@$!", "oleastasi")


def _is_common(password: str, about: tuple[str, ...]) -> bool:
    """A common word, also written with digits for letters, repeated, or with a tail (`2024!`)."""
    plain = password.casefold()
    if len(set(plain)) < 4:
        return True
    own = {_letters(word.casefold()) for each in about for word in (each, each.partition("@")[0])}
    words = _words() | {word for word in own if len(word) >= 4}
    # Digits are first taken as they are (12345678), then as a tail, then as letters.
    bare = plain.strip("0123456789!?.,_-*#@$%&+= ")
    for form in (plain, bare, plain.translate(_LEET), bare.translate(_LEET)):
        core = _letters(form)
        if core in words or _once(core) in words or _runs(core):
            return True
    return False


def _letters(text: str) -> str:
    return "".join(each for each in text if each.isalnum())


_ROWS = (
    "01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
)  # fmt: skip


def _runs(text: str) -> bool:
    """A piece of a row of the keyboard or of an alphabet, in either direction."""
    return any(text in row or text[::-1] in row for row in _ROWS)


def _once(text: str) -> str:
    """`popugpopug` is `popug`."""
    for size in range(1, len(text) // 2 + 1):
        if len(text) % size == 0 and text[:size] * (len(text) // size) == text:
            return text[:size]
    return text


@cache
def _words() -> frozenset[str]:
    lines = Path(__file__).with_name("common.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _argon2id(password: str) -> str:
    kdf = Argon2id(
        salt=os.urandom(SALT_BYTES),
        length=HASH_BYTES,
        iterations=PASSES,
        lanes=LANES,
        memory_cost=MEMORY,
    )
    return kdf.derive_phc_encoded(_bytes(password))


def _bytes(password: str) -> bytes:
    """The same password typed on two keyboards has the same bytes."""
    return unicodedata.normalize("NFC", password).encode(errors="replace")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _slot.acquire(timeout=SLOT_SECONDS):
        raise NotReady(BUSY)
    try:
        yield
    finally:
        _slot.release()
