"""Prices: drawn once, from both inclusive ranges, repeatable with the key alone (R13)."""

import hmac
from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import select

from ates.accounting.keyring import Keyring
from ates.accounting.models import PriceTotal, TaskPrice
from ates.accounting.pricing import LABEL, halves_of, price_of
from ates.kernel.errors import ConfigError, Hopeless
from tests.accounting.make import ARA, BIBI, KEYRING, Office, books, task
from tests.engines.marks import both

OTHER = "2:" + "b7" * 32


def test_both_ends_of_both_ranges_are_drawn_and_nothing_beyond() -> None:
    key = KEYRING.sub_key(1, "price")
    prices = [price_of(UUID(int=number), key) for number in range(5000)]
    assert {price.fee_cents for price in prices} == {100 * dollars for dollars in range(10, 21)}
    assert {price.reward_cents for price in prices} == {100 * dollars for dollars in range(20, 41)}


def test_every_price_has_the_same_chance() -> None:
    key = KEYRING.sub_key(1, "price")
    drawn = [price_of(UUID(int=number), key).fee_cents for number in range(11_000)]
    assert all(850 < drawn.count(fee) < 1150 for fee in set(drawn))


def test_a_price_depends_on_the_key_and_on_the_use_of_it() -> None:
    one, two = KEYRING.sub_key(1, "price"), KEYRING.sub_key(1, "chain")
    assert one != two
    assert [price_of(task(n), one) for n in range(9)] != [price_of(task(n), two) for n in range(9)]


def test_a_price_is_drawn_by_hmac_sha256() -> None:
    """RFC 2104, by the module that pricing is too often asked to use."""
    key = KEYRING.sub_key(1, "price")
    for number in range(1, 200):
        drawn = hmac.digest(key, LABEL + task(number).bytes, "sha256")
        assert halves_of(task(number).bytes, key) == (drawn[:8], drawn[8:16])


@pytest.mark.parametrize(
    "text", ["", "1", "1:zz", "0:" + "aa" * 32, "1:aa", "1:" + "aa" * 32 + ",1:" + "bb" * 32, "aa"]
)
def test_a_keyring_that_cannot_be_used_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Keyring.parse(text)
    assert "aaaa" not in str(refused.value)


def test_a_price_stays_when_another_key_draws(office: Office) -> None:
    office.fee(ARA, 1, 1, "27 09:00")
    rotated = Office(office.database, books(keyring=Keyring.parse(_both_keys())))
    rotated.fee(BIBI, 1, 2, "27 10:00")
    rotated.fee(BIBI, 2, 1, "27 11:00")
    rows = {row.task_id: row for row in office.rows(select(TaskPrice.__table__))}
    assert rows[task(1)].key_id == 1
    assert rows[task(2)].key_id == 2
    first, second, _ = office.entries()
    assert first.amount_cents == second.amount_cents
    assert rotated.verify("new") == []


@both
def test_each_price_is_counted_once_whatever_happens_to_its_task(office: Office) -> None:
    for number in range(1, 7):
        office.fee(ARA, number, 1, f"27 09:0{number}")
    office.fee(BIBI, 1, 2, "27 10:00")
    office.reward(BIBI, 1, "27 11:00")
    office.fee(BIBI, 1, 2, "27 10:00", now="27 12:00")
    key = KEYRING.sub_key(1, "price")
    drawn = [price_of(task(number), key) for number in range(1, 7)]
    due = Counter(("fee", price.fee_cents) for price in drawn)
    due += Counter(("reward", price.reward_cents) for price in drawn)
    rows = office.rows(select(PriceTotal.__table__))
    assert {(row.kind, row.cents): row.tasks for row in rows} == due


def test_a_key_that_is_gone_is_named(office: Office) -> None:
    with pytest.raises(Hopeless, match="key 7"):
        KEYRING.sub_key(7, "price")


def _both_keys() -> str:
    return f"1:{KEYRING.keys[1].hex()},{OTHER}"
