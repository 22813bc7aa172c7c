"""How often a sign-in may fail (S4), as arithmetic."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ates.auth import throttle
from ates.auth.throttle import ACCOUNT, ADDRESS, Rule, Tries

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAUSES = st.lists(st.floats(0, 90), max_size=80)


def allowed(rule: Rule, pauses: list[float]) -> list[datetime]:
    """Somebody guesses without end, with these pauses: the moments at which it is hashed."""
    tries, at, moments = Tries(), NOON, []
    for pause in pauses:
        at += timedelta(seconds=pause)
        if tries.wait(rule, at) == 0:
            tries = tries.failed(at)
            moments.append(at)
    return moments


@pytest.mark.parametrize("rule", [ACCOUNT, ADDRESS])
@given(pauses=PAUSES)
def test_no_minute_has_more_than_the_rule_allows(rule: Rule, pauses: list[float]) -> None:
    moments = allowed(rule, pauses)
    for index, last in enumerate(moments[rule.per_minute :]):
        assert last - moments[index] >= timedelta(minutes=1)


@given(pauses=PAUSES)
def test_nobody_ever_waits_longer_than_a_minute(pauses: list[float]) -> None:
    tries, at = Tries(), NOON
    for pause in pauses:
        at += timedelta(seconds=pause)
        seconds = tries.wait(ACCOUNT, at)
        assert 0 <= seconds <= 60
        later = at + timedelta(seconds=seconds)
        assert tries.wait(ACCOUNT, later) == 0, "who waits as told gets in"
        if seconds == 0:
            tries = tries.failed(at)


def test_five_are_free_then_the_pauses_grow_to_a_minute() -> None:
    tries, at, pauses = Tries(), NOON, []
    for _ in range(12):
        seconds = tries.wait(ACCOUNT, at)
        at += timedelta(seconds=seconds)
        pauses.append(seconds)
        tries = tries.failed(at)
    assert pauses[:6] == [0, 0, 0, 0, 0, 60]
    assert pauses[9:] == [60, 60, 60]


def test_a_clock_that_was_set_back_frees_nobody_and_blocks_nobody_for_longer() -> None:
    tries = Tries()
    for _ in range(5):
        tries = tries.failed(NOON)
    assert tries.wait(ACCOUNT, NOON - timedelta(milliseconds=1)) == 60
    assert tries.wait(ACCOUNT, NOON - timedelta(days=1)) == 60


def test_what_is_written_down_is_read_again() -> None:
    tries = Tries().failed(NOON).failed(NOON + timedelta(seconds=1))
    assert Tries.read(tries.failures, tries.written) == tries
    assert Tries.read(0, "") == Tries()


def test_a_try_given_back_never_was() -> None:
    tries = Tries().failed(NOON)
    assert tries.failed(NOON + timedelta(seconds=1)).given_back() == tries
    assert Tries().given_back() == Tries()


def test_keys_are_the_same_in_any_case_and_name_nobody() -> None:
    assert throttle.account_key(" Kesha@Popug.Example") == throttle.account_key(
        "kesha@popug.example"
    )
    assert "kesha" not in throttle.account_key("kesha@popug.example")
    assert throttle.account_key("a@b") != throttle.address_key("a@b")


def test_a_customer_with_a_whole_ipv6_network_is_one_address() -> None:
    assert throttle.address_key("2001:db8::1") == throttle.address_key("2001:db8::ffff:1")
    assert throttle.address_key("2001:db8::1") != throttle.address_key("2001:db8:0:1::1")
    assert throttle.address_key("::ffff:192.0.2.7") == throttle.address_key("192.0.2.7")
    assert throttle.address_key(None) == throttle.address_key("rubbish")


@given(st.text())
def test_any_text_has_a_key(text: str) -> None:
    assert throttle.account_key(text).startswith("account:")
    assert throttle.address_key(text).startswith("address:")
