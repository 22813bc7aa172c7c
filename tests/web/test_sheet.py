"""Files of lists: two dialects byte for byte, guarded text, and every cell read back (S15)."""

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from ates.kernel import clock, db
from ates.kernel.errors import NotReady
from ates.web import sheet
from ates.web.sheet import BATCH, Body, Column, Dialect, Style, download, guarded, unguarded
from tests.engines.marks import both

COLUMNS = (
    Column("number", "Person", "number"),
    Column("name", "Name"),
    Column("kind", "Kind", "word", words={"fee": "Fee"}),
    Column("amount", "Amount", "money", summed=True),
    Column("day", "Today", "day"),
    Column("at", "Happened", "moment"),
)
NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    (1, "Kesha; A., «the first»", "fee", -123450, date(2026, 11, 24), NOON),
    (2, '=cmd|"/c calc"!A1', "fee", 5, date(2026, 11, 25), NOON),
    (3, None, "fee", None, None, None),
]
PLAIN = (
    "number,name,kind,amount,day,at\r\n"
    '1,"Kesha; A., «the first»",fee,-1234.50,2026-11-24,2026-11-24T12:00:00.250000Z\r\n'
    '2,"\'=cmd|""/c calc""!A1",fee,0.05,2026-11-25,2026-11-24T12:00:00.250000Z\r\n'
    "3,,fee,,,\r\n"
    "total,3,,-1234.45,,\r\n"
)
ENGLISH = (
    "\ufeffPerson,Name,Kind,Amount,Today,Happened (Europe/Moscow)\r\n"
    '1,"Kesha; A., «the first»",Fee,-1234.50,2026-11-24,2026-11-24 15:00:00\r\n'
    '2,"\'=cmd|""/c calc""!A1",Fee,0.05,2026-11-25,2026-11-24 15:00:00\r\n'
    "3,,Fee,,,\r\n"
)
RUSSIAN = (
    "\ufeffСотрудник;Имя;Вид;Сумма;Сегодня;Случилось (Europe/Moscow)\r\n"
    '1;"Kesha; A., «the first»";Списание;-1234,50;2026-11-24;2026-11-24 15:00:00\r\n'
    '2;"\'=cmd|""/c calc""!A1";Списание;0,05;2026-11-25;2026-11-24 15:00:00\r\n'
    "3;;Списание;;;\r\n"
)


def written(
    app: Flask, dialect: Dialect, language: str, rows: Sequence[Any], columns: Any = COLUMNS
) -> str:
    with app.app_context(), flask_babel.force_locale(language):
        style = Style(dialect, language, ZoneInfo("Europe/Moscow"))
        return b"".join(sheet.lines(columns, rows, style)).decode()


@pytest.mark.parametrize(
    ("dialect", "language", "file"),
    [
        (Dialect.PLAIN, "en", PLAIN),
        (Dialect.PLAIN, "ru", PLAIN),
        (Dialect.EXCEL, "en", ENGLISH),
        (Dialect.EXCEL, "ru", RUSSIAN),
    ],
)
def test_each_dialect_byte_for_byte(app: Flask, dialect: Dialect, language: str, file: str) -> None:
    assert written(app, dialect, language, ROWS) == file


def test_a_list_without_rows_is_a_file_with_headings(app: Flask) -> None:
    assert written(app, Dialect.PLAIN, "en", []) == "\r\n".join(
        ("number,name,kind,amount,day,at", "total,0,,0.00,,", "")
    )
    assert written(app, Dialect.EXCEL, "en", []).count("\r\n") == 1


@pytest.mark.parametrize("sign", "=+-@\t\r\0")
def test_a_text_that_begins_like_a_formula_is_no_formula(sign: str) -> None:
    assert guarded(f"{sign}1+1") == f"'{sign}1+1"
    assert guarded(f"1{sign}1") == f"1{sign}1"


def test_a_number_is_never_guarded(app: Flask) -> None:
    column = (Column("amount", "Amount", "money"), Column("change", "Amount", "number"))
    assert "\r\n-5.00,-5\r\n" in written(app, Dialect.PLAIN, "en", [(-500, -5)], column)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_guarded_is_read_back(text: str) -> None:
    cell = guarded(text)
    assert not cell or cell[0] not in "=+-@\t\r\0"
    assert unguarded(cell) == text


CELLS = st.text(alphabet=st.sampled_from("ab'\",;=+-@\t\r\n\0 яЖ😀"), max_size=6)


@given(rows=st.lists(st.tuples(CELLS, st.integers(-(10**12), 10**12)), max_size=5))
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_cell_is_read_back_whatever_people_typed(
    app: Flask, dialect: Dialect, language: str, rows: list[tuple[str, int]]
) -> None:
    columns = (Column("text", "Name"), Column("amount", "Amount", "money", summed=True))
    body = written(app, dialect, language, rows, columns).removeprefix("\ufeff")
    comma = language == "ru" and dialect is Dialect.EXCEL
    found = list(csv.reader(io.StringIO(body, newline=""), delimiter=";" if comma else ","))[1:]
    if dialect is Dialect.PLAIN:
        assert found.pop()[:2] == ["total", str(len(rows))]
    money = [(text, cents.replace(",", ".") if comma else cents) for text, cents in found]
    assert [(unguarded(text), round(float(cents) * 100)) for text, cents in money] == rows


# --- as an answer ---------------------------------------------------------------------------------


@pytest.fixture
def asked(app: Flask) -> Iterator[Flask]:
    with app.test_request_context("/"):
        yield app


def numbers(count: int) -> Any:
    """As many rows, one after the other."""

    def ask(session: Session) -> Any:
        lots = select(literal(1).label("n")).cte(recursive=True)
        lots = lots.union_all(select(lots.c.n + 1).where(lots.c.n < count))
        return sheet.streamed(session, select(lots.c.n))

    return ask


@both
def test_rows_are_streamed_and_the_connection_comes_back(asked: Flask, backend: str) -> None:
    opened: list[Any] = []
    usual = db.patient

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "patient", lambda part: watched(usual(part), opened))
        answer = download("ops", "list", (COLUMNS[0],), numbers(5 * BATCH), Dialect.PLAIN)
        pieces = iter(answer.iter_encoded())
        assert next(pieces).startswith(b"number\r\n1\r\n")
        assert opened[0].readers.pool.checkedout() == 1
        answer.close()  # the reader goes away
    assert opened[0].readers.pool.checkedout() == 0
    whole = download("ops", "list", (COLUMNS[0],), numbers(5 * BATCH), Dialect.PLAIN)
    assert whole.get_data(as_text=True).endswith(f"{5 * BATCH}\r\ntotal,{5 * BATCH}\r\n")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="list.csv"'
    assert whole.headers["Content-Type"] == "text/csv; charset=utf-8"


class watched:  # noqa: N801 - stands in for a context manager's function
    """Remembers which database was opened."""

    def __init__(self, inner: Any, opened: list[Any]) -> None:
        self.inner, self.opened = inner, opened

    def __enter__(self) -> Any:
        self.opened.append(self.inner.__enter__())
        return self.opened[-1]

    def __exit__(self, *error: Any) -> Any:
        return self.inner.__exit__(*error)


def test_few_files_are_written_side_by_side(asked: Flask) -> None:
    files = [
        download("ops", "list", (COLUMNS[0],), numbers(2), Dialect.PLAIN)
        for _ in range(sheet.AT_ONCE)
    ]
    with pytest.raises(NotReady):
        download("ops", "list", (COLUMNS[0],), numbers(2), Dialect.PLAIN)
    files[0].close()
    files[0].close()  # twice is once
    download("ops", "list", (COLUMNS[0],), numbers(2), Dialect.PLAIN).close()
    files[1].close()
    places: threading.BoundedSemaphore = asked.extensions["ates.sheets"]
    with pytest.raises(ValueError, match="released too many"):
        places.release()  # all are free again


def test_a_fault_before_the_first_row_is_answered_as_one(asked: Flask) -> None:
    def ask(session: Session) -> Any:
        raise LookupError("no such list")

    for _ in range(sheet.AT_ONCE + 1):  # its turn comes back, too
        with pytest.raises(LookupError):
            download("ops", "list", (COLUMNS[0],), ask, Dialect.PLAIN)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_file_that_breaks_off_cannot_be_taken_for_a_whole_one(
    asked: Flask, dialect: Dialect, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(session: Session) -> Iterator[Any]:
        yield from ((number,) for number in range(BATCH))
        raise ConnectionError("gone")

    body = download("ops", "list", (COLUMNS[0],), ask, dialect).get_data(as_text=True)
    assert "total" not in body
    assert ("The file is incomplete" in body) is (dialect is Dialect.EXCEL)
    assert "the file list broke off" in caplog.text


def test_a_file_that_takes_too_long_breaks_off(
    asked: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    body = Body((piece for piece in (b"a", b"b")), ExitStack(), "list", b"broken")
    assert next(body) == b"a"
    monkeypatch.setattr(clock, "monotonic", lambda: body._began + sheet.LONGEST + 1)
    assert list(body) == [b"broken"]
