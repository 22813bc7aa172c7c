"""The benchmark runs: with tiny numbers, so that only its working is shown, no speed."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.web import times


def test_a_section_is_measured_against_the_bare_driver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "bench.json"
    words = ["--tiny", "--only", "chain,shuffle", "--database", "sqlite", "--json", str(report)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "published, booked, in analytics" in shown
    found = json.loads(report.read_text())
    assert found["broken"] == []
    assert found["machine"]["cores"] > 0
    (shuffle,) = [each for each in found["measures"] if each["name"].startswith("shuffle")]
    assert shuffle["ratio"] > 0
    assert shuffle["target"] in shown


def test_a_run_without_an_answer_is_told_and_breaks_nothing() -> None:
    assert times([]) == "no answer came in time"
    assert times([0.002]) == "median 2.0 ms, p95 2.0 ms"
