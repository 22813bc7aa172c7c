"""Money, moments, words and letters in both languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import flask_babel
import pytest

from ates.contracts.auth import Role
from ates.web import formats, i18n

from . import shop as the_shop
from .shop import Shop

MOMENT = datetime(2026, 11, 22, 15, 4, 2, tzinfo=UTC)
NARROW = "\u00a0"


@contextmanager
def speaking(shop: Shop, language: str) -> Iterator[None]:
    with shop.app.app_context(), flask_babel.force_locale(language):
        yield


def test_english(shop: Shop) -> None:
    with speaking(shop, "en"):
        assert formats.money(-123450) == "−$1,234.50"
        assert formats.money(3200, sign=True) == "+$32.00"
        assert formats.money(0, sign=True) == "$0.00"
        assert formats.short(150000) == "$1.5K"
        assert formats.number(2140) == "2,140"
        assert formats.moment_text(MOMENT) == "22 Nov, 15:04"
        assert formats.moment_text(MOMENT, seconds=True) == "22 Nov, 15:04:02"
        assert formats.moment_text(MOMENT, exact=True) == "22 Nov 2026, 15:04:02 UTC"
        assert formats.day_text(date(2026, 11, 21)) == "21 Nov 2026"
        assert formats.day_text(date(2026, 11, 21), year=False) == "21 Nov"
        assert formats.role_word(Role.ADMIN) == "admin"


def test_russian(shop: Shop) -> None:
    with speaking(shop, "ru"):
        assert formats.money(-123450) == f"−1{NARROW}234,50{NARROW}$"
        assert formats.money(3200, sign=True) == f"+32,00{NARROW}$"
        assert formats.short(150000) == f"1,5{NARROW}тыс.{NARROW}$"
        assert formats.number(2140) == f"2{NARROW}140"
        assert formats.moment_text(MOMENT) == "22 нояб., 15:04"
        assert formats.day_text(date(2026, 11, 21)) == "21 нояб. 2026"
        assert formats.role_word("manager") == "менеджер"


def test_moments_are_in_the_business_zone(tmp_path: Path) -> None:
    opened = the_shop.open_shop(the_shop.config(tmp_path, timezone="Asia/Tokyo"), {})
    with speaking(opened, "en"):
        assert formats.moment_text(MOMENT) == "23 Nov, 00:04"
        assert formats.moment_iso(MOMENT.astimezone(ZoneInfo("Asia/Tokyo"))) == (
            "2026-11-22T15:04:02Z"
        )


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("12,50", 1250), ("12.50", 1250), ("1 200", 120000), ("−5", -500), ("$3", 300),
        ("1200.5", 120050), ("1,200.5", None), ("1.200", None), ("", None), ("1e3", None),
        ("12,5,0", None), ("٣", None), ("99999999", None),
    ],
)  # fmt: skip
def test_money_that_people_type(typed: str, cents: int | None) -> None:
    assert formats.read_money(typed) == cents


def test_the_axis_is_round_and_holds_zero() -> None:
    assert formats.axis([120_00, -30_00]) == (-5000, 15000, 5000)
    low, high, step = formats.axis([0, 0])
    assert low <= 0 <= high
    assert step > 0


def test_a_refusal_formats_its_values(shop: Shop) -> None:
    msgid = "Shuffled by %(who)s at %(time)s. Assignee now: %(name)s."
    values = {"who": "Margo", "time": MOMENT, "name": "Gosha"}
    with speaking(shop, "en"):
        assert i18n.sentence(msgid, values) == (
            "Shuffled by Margo at 22 Nov, 15:04. Assignee now: Gosha."
        )
        money = i18n.sentence(
            "%(balance_cents)s for %(count)s", {"balance_cents": -1700, "count": 1234}
        )
        assert money == "−$17.00 for 1,234"
    with speaking(shop, "ru"):
        assert i18n.sentence(msgid, values) == (
            "Перемешивание в 22 нояб., 15:04 (Margo). Исполнитель теперь: Gosha."
        )


def test_a_letter_is_in_the_receivers_language_outside_of_a_request(shop: Shop) -> None:
    the_shop.TEMPLATES["letter.txt"] = (
        "{{ _('My tasks') }}: {{ day }}\n\n{{ money(cents, sign=true) }} <{{ name }}>\n\n"
    )
    values = {"day": "1", "cents": 6100, "name": "O'Polly"}
    with shop.app.app_context():
        assert i18n.render_letter("letter.txt", "en", values) == (
            "My tasks: 1",
            "+$61.00 <O'Polly>\n",
        )
        subject, body = i18n.render_letter("letter.txt", "ru", values)
    assert subject == "Мои задачи: 1"
    assert body == f"+61,00{NARROW}$ <O'Polly>\n"
