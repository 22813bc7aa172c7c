"""The bootstrap: what it prepares, and what it says where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from ates.launch import bootstrap


def test_help_needs_nothing_but_python(tmp_path: Path) -> None:
    """-I -S: no user packages, no site: the standard library alone."""
    code = f"import sys; sys.path.insert(0, {str(bootstrap.CHECKOUT)!r}); import ates.__main__ as m"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{code}; m.main(['--help'])"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "python3 -m ates run" in done.stdout


def test_a_prepared_environment_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATES_VENV", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    lock = bootstrap.CHECKOUT / "requirements.txt"
    (tmp_path / bootstrap.STAMP).write_text(bootstrap._digest(lock) + "\n")
    assert bootstrap.prepare() == tmp_path / "bin" / "python"


def test_another_lock_is_installed_and_its_failure_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATES_VENV", str(tmp_path))
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(
        "#!/bin/sh\ncase $* in *--version) exit 0;; esac\necho 'no such wheel' >&2\nexit 1\n"
    )
    python.chmod(0o755)
    with pytest.raises(bootstrap.Refused, match="no such wheel"):
        bootstrap.prepare()


def test_the_data_folder_is_named_for_every_command_alike(tmp_path: Path) -> None:
    assert bootstrap.environment({})["ATES_DATA"] == str(bootstrap.CHECKOUT / "var")
    there = bootstrap.environment({"ATES_DATA": str(tmp_path)})
    assert there["ATES_DATA"] == str(tmp_path)


def test_an_old_python_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    with pytest.raises(bootstrap.Refused, match=r"needs Python 99\.0"):
        bootstrap.prepare()


def test_the_tools_hold_the_runtime() -> None:
    """So `test` installs one lock, and `run` after it installs nothing."""
    runtime, tools = (
        {
            line.split("==")[0]: line.split()[0]
            for line in lock.read_text().splitlines()
            if "==" in line
        }
        for lock in (bootstrap.CHECKOUT / bootstrap.RUNTIME, bootstrap.CHECKOUT / bootstrap.TOOLS)
    )
    assert runtime.items() <= tools.items()


@pytest.mark.proof
def test_a_half_built_environment_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after `venv`, before pip was there: neither trusted nor in the way."""
    monkeypatch.setenv("ATES_VENV", str(tmp_path))
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(tmp_path / "gone")
    assert not bootstrap._works(python)
    bootstrap._make(tmp_path)
    assert bootstrap._works(python)
