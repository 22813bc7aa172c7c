"""The data folder: what is made, what is left alone, what is refused."""

from pathlib import Path

import pytest

from ates.config import SECRETS
from ates.kernel.errors import ConfigError
from ates.launch import folder
from tests.engines.marks import both
from tests.engines.run import free_port


def test_a_second_preparation_changes_no_secret(tmp_path: Path) -> None:
    environ = {"ATES_DATA": str(tmp_path / "data")}
    first = folder.prepare(environ)
    again = folder.prepare(environ)
    assert [getattr(again, name) for name in SECRETS] == [getattr(first, name) for name in SECRETS]


def test_two_folders_share_no_secret(tmp_path: Path) -> None:
    one, two = (folder.prepare({"ATES_DATA": str(tmp_path / name)}) for name in ("one", "two"))
    assert all(getattr(one, name) != getattr(two, name) for name in SECRETS)


def test_a_silent_server_gets_no_new_secrets(tmp_path: Path) -> None:
    """Nobody knows which books it keeps: new secrets could be wrong ones beside them."""
    environ = {
        "ATES_DATA": str(tmp_path / "data"),
        "ATES_DATABASE_URL": f"postgresql+psycopg://polly:cracker@127.0.0.1:{free_port()}/ates",
    }
    with pytest.raises(ConfigError, match="cannot be used") as refusal:
        folder.prepare(environ)
    assert "cracker" not in str(refusal.value)
    assert not (tmp_path / "data" / "secrets").exists()


@both
def test_a_new_folder_beside_old_books_gets_no_new_secrets(
    tmp_path: Path, database_url: str
) -> None:
    """The books may lie elsewhere: the folder's age proves nothing."""
    data = tmp_path / "data"
    environ = {
        "ATES_DATA": str(data),
        "ATES_DATABASE_URL": database_url,
        "ATES_UNSAFE_DATABASE": "1",
    }
    with pytest.raises(ConfigError, match="there are books already"):
        folder.prepare(environ)
    assert not (data / "secrets").exists()


def test_the_demonstration_is_promised_to_a_new_folder_alone(tmp_path: Path) -> None:
    environ = {"ATES_DATA": str(tmp_path / "data")}
    mark = folder.demo_mark(tmp_path / "data")
    folder.prepare(environ, demo=True)
    assert mark.exists()  # until it is complete: a start that is cut short does it again
    mark.unlink()
    folder.prepare(environ, demo=True)
    assert not mark.exists()


def test_one_run_holds_a_folder(tmp_path: Path) -> None:
    busy = pytest.raises(ConfigError, match=r"process \d+, http://127.0.0.1:8000")
    with folder.Lock(tmp_path, "http://127.0.0.1:8000"), busy:
        folder.Lock(tmp_path, "elsewhere").__enter__()
    with folder.Lock(tmp_path, "http://127.0.0.1:8001"):
        pass
