"""Fairness in the open: what was drawn against what was promised, and that a bug would show."""

import hashlib
import hmac
import re
from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import insert

from ates.accounting import fairness, pricing
from ates.accounting.fairness import Distribution, upper_gamma
from ates.accounting.keyring import Keyring
from ates.accounting.models import Card, PricedKind, PriceTotal, TaskPrice
from ates.contracts.auth import Role
from tests.accounting.make import KEYRING, Office, task, worked_example
from tests.accounting.paper import NOON, Desk, Paper
from tests.accounting.test_pages import text
from tests.engines.marks import both

KEY = KEYRING.sub_key(1, "price")
TASKS = 21_000


def drawn(count: int = TASKS) -> dict[PricedKind, Counter[int]]:
    """What the key of the worked example draws for so many tasks."""
    prices = [pricing.price_of(UUID(int=number), KEY) for number in range(count)]
    return {
        "fee": Counter(price.fee_cents for price in prices),
        "reward": Counter(price.reward_cents for price in prices),
    }


def distribution(kind: PricedKind, found: Counter[int]) -> Distribution:
    return Distribution(kind, tuple((c, found[c]) for c in fairness.PROMISED[kind]))


# --- statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chi_square", "freedom", "chance"),
    [  # the quantiles of any table of the chi-square distribution
        (3.841, 1, 0.05), (6.635, 1, 0.01), (5.991, 2, 0.05), (7.815, 3, 0.05), (11.070, 5, 0.05),
        (18.307, 10, 0.05), (23.209, 10, 0.01), (29.588, 10, 0.001), (9.342, 10, 0.5),
        (31.410, 20, 0.05), (45.315, 20, 0.001), (19.337, 20, 0.5), (8.260, 20, 0.99),
        (124.342, 100, 0.05), (0, 10, 1.0),
    ],
)  # fmt: skip
def test_the_chance_of_a_deviation_is_that_of_the_tables(
    chi_square: float, freedom: int, chance: float
) -> None:
    assert upper_gamma(freedom, chi_square / 2) == pytest.approx(chance, rel=2e-3)


def test_a_deviation_beyond_all_measure_has_no_chance_and_no_error() -> None:
    assert upper_gamma(20, 1e6) == 0
    assert upper_gamma(10, 1e-300) == 1


def test_what_the_key_draws_is_what_chance_looks_like() -> None:
    for kind, found in drawn().items():
        each = distribution(kind, found)
        assert each.tasks == TASKS, "nothing lies outside of the promised range"
        assert each.verdict == "usual"


@pytest.mark.parametrize(
    ("constant", "wrong", "kind"),
    [
        ("FEES", range(10, 20), "fee"),
        ("REWARDS", range(20, 40), "reward"),
        ("FEES", (*range(10, 20), 19), "fee"),
    ],
    ids=["the upper end of fees excluded", "of rewards", "one price twice as likely"],
)
def test_a_range_without_its_upper_end_shows(
    monkeypatch: pytest.MonkeyPatch, constant: str, wrong: range, kind: PricedKind
) -> None:
    """A seeded bug: the expected distribution must not follow the mistake."""
    monkeypatch.setattr(pricing, constant, wrong)
    each = distribution(kind, drawn(3000)[kind])
    assert each.verdict == "never"
    assert dict(each.bars)[max(fairness.PROMISED[kind])] == 0


def test_too_few_tasks_are_not_judged() -> None:
    assert distribution("fee", Counter({1000: 54})).verdict == "few"
    assert distribution("fee", Counter({1000: 55})).verdict == "never"


def test_chance_is_told_in_companies() -> None:
    even = Counter(dict.fromkeys(fairness.PROMISED["fee"], 100))
    assert distribution("fee", even).companies == (99, 100)
    assert distribution("fee", even + Counter({1000: 42})).companies == (12, 100)
    rare = distribution("fee", even + Counter({1000: 60}))
    assert (rare.verdict, rare.companies[1]) == ("rare", 1_000_000)
    assert distribution("fee", even + Counter({1000: 200})).companies == (0, 1_000_000)


# --- one price, and the key -----------------------------------------------------------------------


@both
def test_a_price_drawn_again_is_the_one_that_is_stored(office: Office) -> None:
    """T1 of the worked example costs 20 and brings 31; the key is nowhere in it."""
    list(worked_example(office))
    with office.database.transaction() as session:
        session.add(Card(task_id=task(1), number=1, title="Fix the nest", version=1))
    with office.database.reading() as session:
        found = fairness.recompute(session, 1, KEYRING)
        assert found is not None
        assert found.fee is not None
        assert found.reward is not None
        assert found.equal
        assert (found.task_id, found.key_id) == (task(1), 1)
        assert (found.fee.cents, found.reward.cents) == (2000, 3100)
        message = bytes.fromhex(found.message)
        assert hmac.digest(KEY, message, "sha256")[:16] == found.fee.drawn + found.reward.drawn
        assert fairness.recompute(session, 2, KEYRING) is None
        other = Keyring.parse("2:" + "b7" * 32)
        lost = fairness.recompute(session, 1, other)
        assert lost is not None
        assert (lost.fee, lost.equal) == (None, False)


def test_the_commitment_names_each_key_and_hides_it() -> None:
    both_keys = Keyring.parse(f"1:{KEYRING.keys[1].hex()},2:{'b7' * 32}")
    found = fairness.commitments(both_keys)
    assert found[1] == hashlib.sha256(b"ates/price/commitment/v1|" + KEY).hexdigest()
    assert found[1] == "1a71f6195ab3ed49483d859160f412efb382e539e95506f182b25665db2e7676"
    assert found[1] != found[2]
    assert fairness.commitments(KEYRING) == {1: found[1]}


# --- the page -------------------------------------------------------------------------------------


def fill(desk: Desk, found: dict[PricedKind, Counter[int]]) -> None:
    rows = [
        {"kind": kind, "cents": cents, "tasks": tasks}
        for kind, each in found.items()
        for cents, tasks in each.items()
    ]
    with desk.write() as session:
        session.execute(insert(PriceTotal), rows)


@pytest.mark.parametrize("role", list(Role))
def test_everybody_signed_in_sees_what_was_drawn(desk: Desk, role: Role) -> None:
    fill(desk, drawn(2100))
    client, _ = desk.sign_in(role)
    page = text(client, "/accounting/fairness")
    assert page.count("2,100 tasks") == 2
    assert page.count("That is what even chances look like.") == 2
    assert "with 10 degrees of freedom" in page
    assert "with 20 degrees of freedom" in page
    body = client.get("/accounting/fairness").text
    assert body.count("<rect") == 11 + 21
    assert body.count('<line class="even"') == 2
    assert KEY.hex() not in body


def test_nobody_else_does(desk: Desk) -> None:
    assert desk.app.test_client().get("/accounting/fairness").status_code == 303


def test_a_company_without_prices_and_one_with_few(desk: Desk) -> None:
    client, _ = desk.sign_in(Role.EMPLOYEE)
    assert text(client, "/accounting/fairness").count("No task has a price yet.") == 2
    fill(desk, drawn(20))
    assert text(client, "/accounting/fairness").count("Too few tasks to judge") == 2


def test_a_bug_in_the_draw_is_said_aloud(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "FEES", range(10, 20))
    fill(desk, drawn(2100))
    page = text(desk.sign_in(Role.EMPLOYEE)[0], "/accounting/fairness")
    assert "in less than one of 1,000,000 companies" in page
    assert page.count("These prices were not drawn as promised.") == 1


def test_a_price_is_recomputed_on_the_page(desk: Desk) -> None:
    client, _ = desk.sign_in(Role.EMPLOYEE)
    price = pricing.price_of(UUID(int=7), KEY)
    with desk.write() as session:
        paper = Paper(session)
        paper.card(7, "Count the parrots")
        paper.card(8, "Not priced yet")
        row = {"task_id": UUID(int=7), "key_id": 1, "priced_at": NOON}
        stored = {"fee_cents": price.fee_cents, "reward_cents": price.reward_cents}
        session.execute(insert(TaskPrice), row | stored)
    page = text(client, "/accounting/fairness?task=7")
    assert f"id {UUID(int=7)} · key 1" in page
    assert "Both come out as they are stored." in page
    remainder = int(re.findall(r"Fee [0-9a-f]{16} 11 (\d+)", page)[0])
    assert f"$10.00 + ${remainder}.00 = ${price.fee_cents // 100}.00" in page
    assert "There is no price of a task with this number." in text(
        client, "/accounting/fairness?task=8"
    )
    assert "could not be read: task" in text(client, "/accounting/fairness?task=seven")
    with desk.write() as session:
        other = 1000 if price.fee_cents != 1000 else 1100
        session.connection().exec_driver_sql(f"UPDATE accounting_price SET fee_cents = {other}")
    assert "What is stored is not what the key draws." in text(
        client, "/accounting/fairness?task=7"
    )


def test_the_page_reads_as_little_for_a_million_prices(desk: Desk) -> None:
    """Two statements of its own, beside the frame's."""
    client, _ = desk.sign_in(Role.EMPLOYEE)
    fill(
        desk, {kind: Counter(dict.fromkeys(of, 100_000)) for kind, of in fairness.PROMISED.items()}
    )
    with desk.counting() as counted:
        assert client.get("/accounting/fairness?task=7").status_code == 200
    asked = [said for said in counted if "accounting_price" in said]
    assert len(asked) == 2
    assert not any("count(" in said for said in asked)


def test_help_leads_to_it(desk: Desk) -> None:
    client, _ = desk.sign_in(Role.EMPLOYEE)
    assert 'href="/accounting/fairness"' in client.get("/help/money").text
