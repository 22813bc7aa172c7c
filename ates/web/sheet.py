"""Lists as files: CSV for Excel and for programs, streamed from one snapshot (pages.md, 12).

A file holds all rows of its list, however many: they pass through, none is kept. `Dialect.PLAIN` is
RFC 4180 in UTF-8 with a last line that counts and sums, so that a program knows it has everything.
`Dialect.EXCEL` opens by a double click in the language of the reader.
"""

import csv
import io
import logging
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from threading import BoundedSemaphore
from typing import Any, Literal
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app
from sqlalchemy import Select
from sqlalchemy.orm import Session

from ates.config import Config
from ates.kernel import clock, db
from ates.kernel.errors import N_, NotReady
from ates.web import i18n
from ates.web.forms import Form, choice

log = logging.getLogger(__name__)

BATCH = 500  # rows that are in memory at a time
AT_ONCE = 2  # files a process writes side by side: each keeps one of its few threads
LONGEST = 600.0  # seconds that a file may take, as for commands (resilience.md, chapter 3)
# A spreadsheet takes a text that begins so for a formula (S15). One that begins with ' and then
# such a sign is guarded too, or reading could not tell which ' was ours.
FORMULA = re.compile(r"'*[=+\-@\t\r\0]")

Row = Sequence[Any]
Ask = Callable[[Session], Iterable[Row]]


class Dialect(StrEnum):
    """Who is going to read the file."""

    EXCEL = "excel"
    PLAIN = "plain"


class Download(Form):
    """`dialect`: what kind of file is asked for."""

    dialect = choice(Dialect)


@dataclass(frozen=True)
class Column:
    """One column: its name for programs, its heading for people, and what its cells are."""

    name: str
    label: str  # a msgid
    kind: Literal["text", "word", "number", "money", "day", "moment"] = "text"
    summed: bool = False  # the last line for programs has its sum
    words: Mapping[str, Any] | None = None  # of a word: value -> msgid, or the badge's word


@dataclass(frozen=True)
class Style:
    """How cells are written. Programs get the same bytes whatever the language and the zone."""

    dialect: Dialect
    language: str
    zone: ZoneInfo  # of the business day

    @property
    def delimiter(self) -> str:
        """Excel expects what the lists of its language are parted by."""
        return ";" if self.language == "ru" and self.dialect is Dialect.EXCEL else ","

    @property
    def point(self) -> str:
        return "," if self.language == "ru" and self.dialect is Dialect.EXCEL else "."

    def heading(self, column: Column) -> str:
        """The name, or the label in the language at hand; moments say their zone."""
        if self.dialect is Dialect.PLAIN:
            return column.name
        label = i18n.gettext(column.label)
        return f"{label} ({self.zone.key})" if column.kind == "moment" else label

    def cell(self, column: Column) -> Callable[[Any], str]:
        """What writes the values of a column."""
        words = {} if self.dialect is Dialect.PLAIN else _said(column.words or {})
        writers: dict[str, Callable[[Any], str]] = {
            "text": guarded,
            "word": lambda value: words.get(value, value),
            "number": str,
            "money": self._money,
            "day": lambda value: str(value.isoformat()),
            "moment": _instant if self.dialect is Dialect.PLAIN else self._moment,
        }
        write = writers[column.kind]
        return lambda value: "" if value is None else write(value)

    def _money(self, cents: int) -> str:
        """`-1234.50`: an ASCII hyphen, no currency, no thousands, or it would be a text."""
        whole, rest = divmod(abs(cents), 100)
        return f"{'-' if cents < 0 else ''}{whole}{self.point}{rest:02}"

    def _moment(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"


def guarded(text: object) -> str:
    """A text that no spreadsheet runs: with a leading ' if it begins like a formula."""
    plain = str(text)
    return f"'{plain}" if FORMULA.match(plain) else plain


def unguarded(cell: str) -> str:
    """The text that `guarded` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def lines(
    columns: Sequence[Column], rows: Iterable[Row], style: Style
) -> Generator[bytes, None, None]:
    """The file in pieces of some hundred rows; a list without any is a piece with the headings."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=style.delimiter, lineterminator="\r\n")
    cells = [style.cell(column) for column in columns]
    summed = [place for place, column in enumerate(columns) if column.summed]
    count, sums, left = 0, dict.fromkeys(summed, 0), iter(rows)
    if style.dialect is Dialect.EXCEL:
        buffer.write("\ufeff")
    writer.writerow([style.heading(column) for column in columns])
    while batch := list(islice(left, BATCH)):
        writer.writerows([[cell(v) for cell, v in zip(cells, row, strict=True)] for row in batch])
        count += len(batch)
        for place in summed:
            sums[place] += sum(row[place] or 0 for row in batch)
        yield _take(buffer)
    if style.dialect is Dialect.PLAIN:
        last = [cells[place](sums[place]) if place in sums else "" for place in range(len(columns))]
        writer.writerow(["total", count, *last[2:]])
    if rest := _take(buffer):
        yield rest


def streamed(session: Session, question: Select[*tuple[Any, ...]]) -> Iterator[Row]:
    """Rows as they come: on PostgreSQL through a cursor of the server, on SQLite step by step."""
    with session.execute(question.execution_options(yield_per=BATCH)) as found:
        yield from found


def download(
    part: str, name: str, columns: Sequence[Column], ask: Ask, dialect: Dialect
) -> Response:
    """The answer with all rows that `ask` finds in one snapshot, as a file called `name`.

    It has a connection of its own, which may take minutes, and gives it back when the file ends or
    its reader goes away. Raises NotReady while too many files are being written.
    """
    config: Config = current_app.extensions["ates.config"]
    style = Style(dialect, i18n.language(), ZoneInfo(config.timezone))
    broken = i18n.gettext(N_("The file is incomplete: aTES could not read on. Load it again."))
    with ExitStack() as stack:
        stack.enter_context(_turn())
        database = stack.enter_context(db.patient(part))
        session = stack.enter_context(database.reading())
        last = f"{broken}\r\n".encode() if style.dialect is Dialect.EXCEL else b""
        body = Body(lines(columns, ask(session), style), stack.pop_all(), name, last)
    response = Response(body, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


class Body:
    """The pieces of a file, and what has to be closed behind them, whether all are read or none.

    The first piece is read at once, so that a fault is answered as one. A later one cannot change
    the status any more: the file ends without its total, and with a sentence for people.
    """

    def __init__(
        self, pieces: Generator[bytes, None, None], stack: ExitStack, name: str, broken: bytes
    ) -> None:
        self._pieces, self._stack, self._name, self._broken = pieces, stack, name, broken
        self._began, self._over = clock.monotonic(), False
        try:
            self._first: bytes | None = next(pieces, b"")
        except BaseException:
            stack.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._over:
            raise StopIteration
        try:
            if clock.monotonic() - self._began > LONGEST:
                raise TimeoutError(f"the file took longer than {LONGEST:.0f} s")
            return next(self._pieces)
        except StopIteration:
            self.close()
            raise
        except Exception:  # the head is sent, no status can tell: the file itself has to
            log.exception("the file %s broke off", self._name)
            self.close()
            return self._broken

    def close(self) -> None:
        """Give the connection back. Called by the server, also when nobody listens any more."""
        self._over = True
        self._pieces.close()
        self._stack.close()


def init_app(app: Flask) -> None:
    """Count the files that this process writes at a time."""
    app.extensions["ates.sheets"] = BoundedSemaphore(AT_ONCE)


@contextmanager
def _turn() -> Iterator[None]:
    places: BoundedSemaphore = current_app.extensions["ates.sheets"]
    if not places.acquire(blocking=False):
        raise NotReady(N_("Other files are being written just now. Try again in a minute."))
    try:
        yield
    finally:
        places.release()


def _said(words: Mapping[str, Any]) -> dict[str, str]:
    return {
        value: i18n.gettext(each) if isinstance(each, str) else str(each)
        for value, each in words.items()
    }


def _instant(moment: datetime) -> str:
    """`2026-11-22T15:04:02.000000Z`: exact, and sorted as text it is in the order of time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _take(buffer: io.StringIO) -> bytes:
    """What has been written since; the buffer is empty again."""
    found = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return found.encode()
