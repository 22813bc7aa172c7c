"""How money, moments and states are written: the globals that ui.html and chart.html need."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_currency, format_currency, format_decimal

from ates.contracts.auth import Role
from ates.web import reader
from ates.web.reader import gettext, word

MINUS = "\u2212"  # Babel writes an ASCII hyphen in Russian amounts

# state -> (look, glyph, word). The context tells translators what the word speaks of:
# Russian needs another ending for a task, a day, a letter and an event.
LOOKS: dict[str, tuple[str, str, Any]] = {
    "open": ("", "○", word("task", "Open")),
    "done": ("ok", "✓", word("task", "Done")),
    "day_open": ("", "○", word("day", "Open")),
    "day_closed": ("info", "■", word("day", "Closed")),
    "day_held": ("warn", "‖", word("day", "Held")),
    "day_paid": ("ok", "✓", word("day", "Paid")),
    "queued": ("info", "⏳", word("letter", "queued")),
    "sending": ("info", "▸", word("letter", "sending")),
    "sent": ("ok", "✓", word("letter", "sent")),
    "failed": ("bad", "✕", word("letter", "failed")),
    "unknown": ("warn", "?", word("letter", "unknown")),
    "waiting_address": ("warn", "▲", word("letter", "no address")),
    "run_waiting": ("", "⏳", word("shuffle", "waits its turn")),
    "run_running": ("info", "▸", word("shuffle", "running")),
    "run_done": ("ok", "✓", word("shuffle", "done")),
    "requested": ("info", "⏳", word("correction", "waits for approval")),
    "approved": ("ok", "✓", word("correction", "approved")),
    "rejected": ("", "✕", word("correction", "rejected")),
    "behind": ("warn", "▲", word("operations", "Behind")),
    "stuck": ("bad", "✕", word("operations", "Stuck")),
    "paused": ("", "‖", word("operations", "paused")),
    "retry": ("warn", "▲", word("event", "retrying")),
    "blocked": ("", "‖", word("event", "blocked")),
    "dead": ("bad", "✕", word("event", "dead")),
    "skipped": ("", "»", word("event", "skipped")),
    "event_waiting": ("info", "⏳", word("event", "waiting")),
    "history_failed": ("bad", "✕", word("event", "failed")),
    "history_handled": ("ok", "✓", word("event", "handled")),
    "history_again": ("info", "↻", word("event", "tried again")),
    "history_skipped": ("", "»", word("event", "skipped")),
    "history_set aside": ("", "‖", word("event", "set aside")),
    "recon_clean": ("ok", "✓", word("reconciliation", "agrees")),
    "recon_underway": ("info", "⏳", word("reconciliation", "on its way")),
    "recon_different": ("bad", "✕", word("reconciliation", "differs")),
    "consumer_live": ("ok", "✓", word("consumer", "live")),
    "consumer_rebuild": ("info", "▸", word("consumer", "rebuilding")),
    "consumer_paused": ("warn", "‖", word("consumer", "paused")),
    "silent": ("bad", "✕", word("worker", "silent")),
    "active": ("ok", "✓", word("person", "active")),
    "left": ("", "‖", word("person", "left")),
    "below_zero": ("bad", "▼", word("balance", "below zero")),
    "late": ("warn", "▲", word("entry", "late")),
    "correction": ("", "±", word("entry", "correction")),
}

ROLES: dict[Role, Any] = {
    Role.EMPLOYEE: word("role", "employee"),
    Role.ACCOUNTANT: word("role", "accountant"),
    Role.MANAGER: word("role", "manager"),
    Role.ADMIN: word("role", "admin"),
}


def money(cents: int, sign: bool = False) -> str:
    """`−$1,234.50`, `−1 234,50 $`; `sign` puts a plus before what is gained."""
    return _money(reader.present().language, cents, sign)


@lru_cache(maxsize=20_000)  # Babel takes about 60 µs per amount, and a page has a hundred of them
def _money(language: str, cents: int, sign: bool) -> str:
    mark = MINUS if cents < 0 else "+" if sign and cents > 0 else ""
    amount = Decimal(abs(cents)) / 100
    return mark + str(format_currency(amount, "USD", locale=language))


def number(count: int) -> str:
    """`2,140`, `2\u00a0140`."""
    return _number(reader.present().language, count)


@lru_cache(maxsize=20_000)
def _number(language: str, count: int) -> str:
    return str(format_decimal(count, locale=language))


def tenth(value: float, sign: bool = False) -> str:
    """`9.8`, `−1 234,5`: a figure of statistics; `sign` as of money."""
    rounded = round(value, 1)
    mark = MINUS if rounded < 0 else "+" if sign and rounded > 0 else ""
    return mark + str(
        format_decimal(abs(rounded), format="#,##0.0", locale=reader.present().language)
    )


def role_word(role: Role | str) -> str:
    """The role in the language of the reader."""
    return str(ROLES[Role(role)])


def hue(person: UUID) -> int:
    """The tint of a person's parrot: 0…5, always the same."""
    return person.int % 6


def short(cents: int) -> str:
    """`$1.5K`, `1,5 тыс. $`: for the axis of a chart only."""
    amount = Decimal(abs(cents)) / 100
    text = format_compact_currency(
        amount, "USD", locale=reader.present().language, fraction_digits=1
    )
    return (MINUS if cents < 0 else "") + str(text)


def axis(amounts: Sequence[float], least: int = 100) -> tuple[int, int, int]:
    """Low end, high end and step of a chart: round numbers, zero always among them.

    `least` is the smallest step: 100 for cents, 1 for counts.
    """
    high, low = max(0, *amounts), min(0, *amounts)
    third = max((high - low) / 3, least)
    power = 10 ** math.floor(math.log10(third))
    step = math.ceil(next(power * part for part in (1, 2, 2.5, 5, 10) if power * part >= third))
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def moment_text(moment: datetime, seconds: bool = False, exact: bool = False) -> str:
    """`22 Nov, 15:04` in the zone of the reader. Own patterns: Babel's English ones say 3:04 PM."""
    pattern = "d MMM, HH:mm:ss" if seconds else "d MMM, HH:mm"
    if exact:
        pattern = "d MMM y, HH:mm:ss z"
    here = reader.present()
    return _moment(here.language, here.zone, moment, pattern)


@lru_cache(maxsize=20_000)  # each row of a list shows the same moment twice, and again next time
def _moment(language: str, zone: tzinfo, moment: datetime, pattern: str) -> str:
    return str(format_datetime(moment, pattern, tzinfo=zone, locale=language))


def moment_iso(moment: datetime) -> str:
    """For machines: `2026-11-22T15:04:02Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def clock_text(moment: datetime, seconds: bool = False) -> str:
    """`15:04` in the zone of the reader, where the day is clear."""
    pattern = "HH:mm:ss" if seconds else "HH:mm"
    here = reader.present()
    return _moment(here.language, here.zone, moment, pattern)


def day_text(day: date, year: bool = True) -> str:
    """`22 Nov 2026`; Babel's own Russian pattern adds «г.»."""
    return _day(reader.present().language, day, "d MMM y" if year else "d MMM")


@lru_cache(maxsize=2_000)  # a table of days names each of them several times
def _day(language: str, day: date, pattern: str) -> str:
    return str(format_date(day, pattern, locale=language))


def days_text(first: date, last: date, year: bool = True) -> str:
    """`16–22 Nov 2026`, `30 Nov – 6 Dec 2026`: what stands in both ends is said once."""
    if first == last:
        return day_text(first, year)
    end = day_text(last, year)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{end}"
    return f"{day_text(first, year and first.year != last.year)} – {end}"


def month_text(day: date, year: bool = True) -> str:
    """`November 2026`, `ноябрь 2026`; without the year in short, for the axis of a chart."""
    return str(format_date(day, "LLLL y" if year else "LLL", locale=reader.present().language))


def percent(whole: int) -> str:
    """`+12 %`, `−3 %`, `0 %`, with a space that does not break."""
    return f"{MINUS if whole < 0 else '+' if whole > 0 else ''}{number(abs(whole))}\u00a0%"


def span(time: timedelta) -> str:
    """`12 s`, `3 min 12 s`, `2 h 5 min`, `3 d`: how long something waits."""
    seconds = max(0, int(time.total_seconds()))
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 1:
        return str(gettext("%(seconds)s s", seconds=seconds))
    if hours < 1:
        return str(gettext("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=seconds % 60))
    if hours < 48:
        return str(gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60))
    return str(gettext("%(days)s d", days=number(hours // 24)))


def read_money(text: str) -> int | None:
    """Cents from what a person typed (`12,50`, `1 200`, `−5`); none where two readings exist."""
    plain = re.sub(r"[\s\u00a0\u202f$]", "", text).replace(MINUS, "-").replace(",", ".")
    if not re.fullmatch(r"[+-]?\d{1,7}(\.\d{1,2})?", plain, re.ASCII):
        return None
    return int(Decimal(plain) * 100)


TEMPLATE_GLOBALS: dict[str, Any] = {
    "axis": axis,
    "clock_text": clock_text,
    "day_text": day_text,
    "days_text": days_text,
    "hue": hue,
    "looks": LOOKS,
    "moment_iso": moment_iso,
    "moment_text": moment_text,
    "money": money,
    "month_text": month_text,
    "number": number,
    "percent": percent,
    "role_word": role_word,
    "short": short,
    "span": span,
    "tenth": tenth,
}
