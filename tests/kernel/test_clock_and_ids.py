"""Time and chance have one source each, which tests can own."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ates.kernel import clock, ids
from ates.kernel.parking import fingerprint
from ates.kernel.types import sortable


def test_the_offset_file_moves_the_clock_of_all_who_read_it(tmp_path: Path) -> None:
    file = tmp_path / "clock-offset"
    clock.use_offset_file(file)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1), "no file, no offset"
    for text, moved in (("86400", 86400), ("-90.5", -90.5), ("", 0), ("half written \x00", 0)):
        file.write_text(text)
        distance = clock.now() - datetime.now(UTC) - timedelta(seconds=moved)
        assert abs(distance) < timedelta(seconds=1), text


def test_durations_are_never_moved(tmp_path: Path) -> None:
    (tmp_path / "clock-offset").write_text("86400")
    before = clock.monotonic()
    clock.use_offset_file(tmp_path / "clock-offset")
    with clock.frozen(datetime(2030, 1, 1, tzinfo=UTC)):
        assert clock.monotonic() - before < 5


def test_frozen_time_stands_nests_and_goes_on() -> None:
    first, second = datetime(2026, 3, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    with clock.frozen(first):
        with clock.frozen(second):
            assert clock.now() == second
        assert clock.now() == first
    assert clock.now() != first
    with pytest.raises(AssertionError), clock.frozen(datetime(2026, 3, 1)):  # noqa: DTZ001 - naive
        pass


def test_ids_of_one_process_only_grow_even_if_the_clock_runs_back() -> None:
    made = [ids.new() for _ in range(2000)]
    with clock.frozen(clock.now() - timedelta(hours=1)):
        made += [ids.new() for _ in range(2000)]
    assert made == sorted(set(made))
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {"specified in RFC 4122"}


def test_ids_of_many_threads_are_different() -> None:
    made: list[object] = []
    threads = [
        threading.Thread(target=lambda: made.extend(ids.new() for _ in range(500)))
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(made)) == 2000


def test_an_id_carries_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", 0)  # another test of this process may have been further on
    with clock.frozen(clock.now() + timedelta(days=300)):
        made, moment = ids.new(), clock.now()
    assert made.int >> 80 == int(moment.timestamp() * 1000)


def test_the_lot_is_uniform_and_repeats_for_a_seed() -> None:
    with ids.seeded(7):
        first = [ids.draw("abcd") for _ in range(8000)]
    with ids.seeded(7):
        assert [ids.draw("abcd") for _ in range(8000)] == first
    assert all(1850 < count < 2150 for count in Counter(first).values())
    assert len(Counter(first)) == 4
    assert isinstance(ids._chance, random.SystemRandom), "outside of tests nobody can guess it"
    with pytest.raises((IndexError, ValueError)):
        ids.draw("")


@given(st.lists(st.datetimes(min_value=datetime(1, 1, 2), timezones=st.timezones()), min_size=2))  # noqa: DTZ001 - a bound
def test_stored_moments_sort_as_they_happened(moments: list[datetime]) -> None:
    safe = [each for each in moments if 2 < each.year < 9998]
    assert sorted(safe) == sorted(safe, key=sortable)


def test_the_same_kind_of_error_has_the_same_fingerprint() -> None:
    assert fingerprint(ValueError("task 7 of 9")) == fingerprint(ValueError("task 12 of 3"))
    one, two = ids.new(), ids.new()
    assert fingerprint(KeyError(str(one))) == fingerprint(KeyError(str(two)))
    assert fingerprint(ValueError("x")) != fingerprint(KeyError("x"))
    assert fingerprint(ValueError("")) == fingerprint(ValueError(""))
