"""Seals leave the house: a line a day in a file, a letter a day; and what is found by them."""

import json
import sqlite3
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from ates.accounting import anchors, gate
from ates.accounting.models import BusinessDay, SealLetter
from ates.accounting.verify import verify
from ates.kernel import mail
from ates.kernel.db import Database
from ates.web.i18n import render_letter
from tests.accounting.hands import alter, unguard
from tests.accounting.make import ARA, BIBI, COCO, Office, books, person, worked_example
from tests.engines.marks import both


@pytest.fixture
def kept(office: Office, tmp_path: Path) -> Office:
    """Books whose seals go to a file."""
    return Office(office.database, books(anchors=tmp_path / "far" / "anchors"))


@pytest.fixture
def file(kept: Office) -> Path:
    path = kept.books.anchors
    assert path is not None
    path.parent.mkdir()
    return path


def against(office: Office, path: Path, level: Any = "quick") -> list[str]:
    with office.database.reading() as session:
        found = verify(session, office.books, level, anchors=anchors.read(path))
    return [str(each) for each in found.differences]


# --- the file -------------------------------------------------------------------------------------


@both
def test_each_run_adds_the_days_that_are_missing(kept: Office, file: Path) -> None:
    runs = worked_example(kept)
    next(runs)
    assert [json.loads(line)["day"] for line in file.read_text().splitlines()] == [
        "2025-03-27",
        "2025-03-28",
    ]
    list(runs)
    last = json.loads(file.read_text().splitlines()[-1])
    day = kept.days()[29]
    assert last == {
        "ates_anchor": 1,
        "day": "2025-03-29",
        "close_entry_no": 17,
        "close_block_no": 17,
        "last_hash": last["last_hash"],
        "seal": day.seal.hex(),
        "fee_cents": -1300,
        "reward_cents": 5800,
        "adjustment_cents": 0,
    }
    assert against(kept, file) == []
    before = file.read_bytes()
    kept.run("30 00:20")
    assert file.read_bytes() == before


def test_a_file_that_comes_later_gets_all_days(kept: Office, file: Path) -> None:
    list(worked_example(Office(kept.database)))
    assert not file.exists()
    assert kept.run("30 00:20").silent
    assert len(file.read_text().splitlines()) == 3


def test_half_a_line_of_a_power_cut_is_written_again(kept: Office, file: Path) -> None:
    list(worked_example(kept))
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    kept.run("30 00:20")
    assert file.read_bytes() == whole


def test_two_runs_at_once_write_each_day_once(kept: Office, file: Path) -> None:
    list(worked_example(Office(kept.database)))

    def write() -> None:
        with kept.database.reading() as session:
            anchors.write_missing(session, file)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(file.read_text().splitlines()) == 3


def test_money_does_not_wait_for_a_file_that_cannot_be_written(kept: Office) -> None:
    """Its folder is not there, as when a share is not mounted."""
    *_, report = worked_example(kept)
    assert [each.day.day for each in report.days] == [29]
    assert report.exit_code == 3
    assert report.unanchored is not None
    assert report.unanchored.startswith("seals could not be written: [Errno 2]")


# --- what is found by it --------------------------------------------------------------------------


def test_an_older_copy_is_clean_by_itself_and_found_by_the_anchors(
    kept: Office, file: Path, tmp_path: Path
) -> None:
    """Adversarial case 41."""
    runs = worked_example(kept)
    next(runs)
    copy = tmp_path / "older.sqlite3"
    with (
        sqlite3.connect(str(make_url(kept.database.url).database)) as whole,
        sqlite3.connect(copy) as target,
    ):
        whole.backup(target)
    whole.close()
    target.close()
    list(runs)
    older = Office(Database(f"sqlite:///{copy}", unsafe=True), kept.books)
    try:
        assert older.verify("new") == []
        assert against(older, file) == [
            "2025-03-29 was closed after entry 17 (anchor line 3), the books end with 15: their"
            " tail is cut, or this is an older copy, entries 16-17"
        ]
    finally:
        older.database.close()


@both
def test_every_field_of_a_line_is_compared(kept: Office, file: Path) -> None:
    list(worked_example(kept))
    first, *rest = file.read_text().splitlines()
    honest = json.loads(first)
    for name, value in honest.items():
        if name == "ates_anchor":
            continue
        other = "2025-03-30" if name == "day" else value + 1 if type(value) is int else "00" * 32
        file.write_text("\n".join([json.dumps(honest | {name: other}), *rest]) + "\n")
        assert len(against(kept, file)) == 1, name
        assert "anchor line 1" in against(kept, file)[0]
    file.write_text("\n".join(["{", *rest]) + "\n")
    assert against(kept, file) == ["line 1 of the anchors cannot be read"]


def test_the_command_compares_a_file_and_the_full_check_the_one_of_the_setting(
    office: Office, app: Flask, tmp_path: Path
) -> None:
    list(worked_example(office))
    path = tmp_path / "anchors"
    with office.database.reading() as session:
        anchors.write_missing(session, path)
    runner = app.test_cli_runner()
    words = ["accounting", "verify", "--quick", "--anchor", str(path)]
    assert runner.invoke(args=words).exit_code == 0
    path.write_text(path.read_text().replace("5800", "5801"))
    done = runner.invoke(args=words)
    assert done.exit_code == 4
    assert "says 5801 for its rewards, here it is 5800" in done.output
    app.extensions["ates.books"] = books(anchors=path)
    assert (
        "says 5801 for its rewards" in runner.invoke(args=["accounting", "verify", "--full"]).output
    )
    path.unlink()
    gone = runner.invoke(args=["accounting", "verify", "--full"])
    assert gone.exit_code == 1
    assert "The anchors cannot be read" in gone.output


# --- the letter -----------------------------------------------------------------------------------


def seal_letters(office: Office) -> list[Any]:
    return office.rows(
        select(SealLetter.__table__).order_by(SealLetter.business_date, SealLetter.person_id)
    )


def text_of(office: Office, day: int, who: Any = COCO) -> tuple[str, str, str] | None:
    with office.database.reading() as session:
        row = session.get_one(SealLetter, (date(2025, 3, day), who))
        letter = gate.compose_seal(session, row)
    if letter is None:
        return None
    return letter.to, *render_letter(letter.template, letter.locale, letter.values)


@both
def test_a_letter_with_the_seal_is_born_with_each_close(office: Office) -> None:
    """For accountants and admins who are there and have an address, and for nobody else."""
    office.meet(
        person(ARA, role="admin", email=None),
        person(BIBI, role="manager"),
        person(COCO, role="accountant", locale="ru"),
    )
    list(worked_example(office))
    rows = seal_letters(office)
    assert [(row.business_date.day, row.person_id, row.locale) for row in rows] == [
        (27, COCO, "ru"),
        (28, COCO, "ru"),
        (29, COCO, "ru"),
    ]
    assert {str(row.state) for row in rows} == {"queued"}
    assert rows[0].message_id == f"<seal.2025-03-27.{COCO}@popug.test>"
    office.run("30 00:20")
    assert len(seal_letters(office)) == 3


def test_what_the_letter_says(office: Office) -> None:
    office.meet(person(COCO, role="accountant"))
    list(worked_example(office))
    day = office.days()[29]
    with office.database.reading() as session:
        last_hash = anchors.of_closed_days(session)[-1].last_hash
    assert text_of(office, 29) == (
        "coco@popug.test",
        "aTES: the books of 29 March are closed",
        f"""29 March 2025 is closed after entry 17 and block 17. It takes payouts only from now on.

  Entries                                        3
  Fees                                     +$13.00
  Rewards                                  −$58.00
  Income                                   −$45.00
  Corrections, in favour of people           $0.00
  Late entries                                   1
  Events set aside at the close                  0

Seal of the day:
  {day.seal.hex()}
Hash of the last block:
  {last_hash}

Keep this letter: books that are changed later have another seal for this day.

http://127.0.0.1:8000/accounting/days/2025-03-29
""",
    )


def test_a_repeat_has_the_same_bytes_and_a_dismissed_bookkeeper_gets_none(office: Office) -> None:
    office.meet(person(COCO, role="accountant"))
    runs = worked_example(office)
    next(runs)
    first = text_of(office, 28)
    list(runs)
    assert text_of(office, 28) == first
    office.meet(person(COCO, version=2, role="employee"), at="30 12:00")
    assert text_of(office, 28) is None


def test_the_boxes_of_one_part_have_names_and_states_of_their_own(
    office: Office, app: Flask
) -> None:
    office.meet(person(COCO, role="accountant"))
    list(worked_example(office))
    part = next(each for each in app.extensions["ates.contexts"] if each.name == "accounting")
    with office.database.reading() as session:
        states = {box.name: mail.states(session, box) for box in part.letters}
    assert states == {
        "accounting": {"waiting_address": 2, "queued": 1},
        "accounting-seals": {"queued": 3},
    }


def test_a_day_that_was_closed_otherwise_is_found(kept: Office, file: Path) -> None:
    """Somebody with the key closes a day anew over changed entries: only the line outside knows."""
    list(worked_example(kept))
    unguard(kept)
    alter(kept, "UPDATE accounting_day SET seal = zeroblob(32) WHERE business_date = '2025-03-27'")
    assert kept.scalar(select(BusinessDay.seal).order_by(BusinessDay.business_date)) == bytes(32)
    (found,) = against(kept, file)
    assert found.startswith("2025-03-27 (anchor line 1) says ")
    assert f"for its seal, here it is {bytes(32).hex()}" in found
