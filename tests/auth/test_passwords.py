"""How passwords are kept, and which are refused (S3)."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ates.auth import passwords
from ates.auth.demo import POPUGS
from ates.kernel.errors import Invalid, NotReady


def refusal(password: str, *about: str) -> str | None:
    try:
        passwords.check(password, about=about)
    except Invalid as error:
        return error.fields["password"]
    return None


def test_a_hash_is_argon2id_with_19_mib_two_passes_and_one_lane() -> None:
    assert passwords.hashed("three birds").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_same_password_has_two_hashes_and_both_are_right() -> None:
    first, second = passwords.hashed("three birds"), passwords.hashed("three birds")
    assert first != second
    assert passwords.is_right("three birds", first)
    assert passwords.is_right("three birds", second)
    assert not passwords.is_right("three bird", first)


def test_a_letter_typed_as_two_is_the_same_password() -> None:
    assert passwords.is_right("Попугайчик", passwords.hashed("Попугайчик"))


def test_nobody_has_no_password() -> None:
    assert not passwords.is_right("", None)
    assert not passwords.is_right("three birds", None)


def test_a_hash_of_other_parameters_is_outdated() -> None:
    assert passwords.outdated("$argon2id$v=19$m=8192,t=2,p=1$c2FsdA$aGFzaA")
    assert not passwords.outdated(passwords.hashed("three birds"))


def test_one_hash_at_a_time_and_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SLOT_SECONDS", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with passwords._one_at_a_time():
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        with pytest.raises(NotReady):
            passwords.hashed("three birds")
    finally:
        done.set()
        holder.join()
    assert passwords.hashed("three birds")


@pytest.mark.parametrize("length", [1, 7, 129, 100_000])
def test_shorter_than_8_or_longer_than_128_is_refused(length: int) -> None:
    assert refusal(("xK9 " * length)[:length])


@pytest.mark.parametrize("length", [8, 128])
def test_8_and_128_characters_are_fine(length: int) -> None:
    assert refusal(("жk9 Q" * length)[:length]) is None


@pytest.mark.parametrize(
    "password",
    [
        "password", "Password1", "P@ssw0rd!", "qwertyuiop", "йцукенгшщз", "12345678", "87654321",
        "aaaaaaaa", "abababab", "popugpopug", "Popug2026!", "UberPopug", "uber-popug-inc",
        "parrot123", "попугай2026", "letmein1", "iloveyou", "atesates", "1q2w3e4r", "shuffle99",
    ],
)  # fmt: skip
def test_common_words_and_ours_are_refused(password: str) -> None:
    assert refusal(password) == passwords.COMMON


@pytest.mark.parametrize(
    "password", ["kesha.a@popug.example", "keshaarara", "Kesha Arara", "kesha.a1"]
)
def test_the_own_name_and_address_are_refused(password: str) -> None:
    assert refusal(password, "kesha.a@popug.example", "Kesha Arara") == passwords.COMMON


@pytest.mark.parametrize(
    "password",
    [
        "three birds on a roof",
        "correct parrot battery",
        "xK9$vQ2m",
        "четыре пера на ветке",
        "     xK9$v",
    ],
)  # fmt: skip
def test_words_in_a_row_and_random_characters_are_fine(password: str) -> None:
    assert refusal(password, "kesha@popug.example", "Kesha A.") is None


def test_the_passwords_of_the_demonstration_are_known_and_so_refused_elsewhere() -> None:
    assert {refusal(popug.password) for popug in POPUGS} == {passwords.COMMON}


@settings(max_examples=300)
@given(st.text(), st.lists(st.text(), max_size=2))
def test_whatever_is_typed_gets_an_answer(password: str, about: list[str]) -> None:
    refusal(password, *about)
