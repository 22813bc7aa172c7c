"""`wsgi.py` is server-neutral: another server than the one `run` starts serves it too."""

import subprocess
import sys
import time
from pathlib import Path

from ates.launch import folder
from ates.launch.bootstrap import CHECKOUT
from tests.engines.run import free_port

from .running import Running, environ


def test_gunicorn_serves_the_pages(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder.prepare({"ATES_DATA": str(data)})
    port, screen = free_port(), tmp_path / "screen"
    with screen.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "wsgi:app"],
            cwd=CHECKOUT,
            env=environ(ATES_DATA=str(data)),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    served = Running(process, port, data, screen)
    try:
        served.wait_for("Listening at", 30)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                assert served.status("/readyz?for=pages") == 200
                break
            except OSError:
                time.sleep(0.1)
        assert served.status("/auth/sign-in") == 200
    finally:
        process.terminate()
        process.wait(timeout=15)
