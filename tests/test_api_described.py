"""The API answers as its description says, whatever comes, signed in as each role.

schemathesis sends what the description allows and what it forbids, with all its checks on.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from ates.contracts.auth import Role
from ates.kernel.db import transaction
from ates.tasks import service
from ates.tasks.titles import Wording
from tests.engines import people
from tests.engines.marks import both

HERE = Path(__file__).parent


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def examine(app: Flask, role: Role, folder: Path, *options: str) -> None:
    token = people.caller(app, role).environ_base["HTTP_AUTHORIZATION"]
    with served(app) as address:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(HERE / "schemathesis.toml"), "run"),
                f"{address}/api/v1/openapi.json",
                *("--header", f"Authorization: {token}", "--checks", "all", "--no-color"),
                *("--max-redirects", "0", "--generation-database", "none", *options),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=1500,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture
def company(app: Flask, drain: Callable[[], None]) -> Flask:
    """Some people and tasks, so that there is something to find."""
    workers = [people.sign_in(app, Role.EMPLOYEE) for _ in range(2)]
    assert workers[0].person is not None
    drain()
    with app.app_context(), transaction("tasks") as session:
        for number in range(4):
            service.create_task(session, Wording(f"Count {number}"), by=workers[0].person)
    drain()
    return app


def test_every_answer_is_described(company: Flask, tmp_path: Path) -> None:
    """To an admin, who may do most."""
    examine(company, Role.ADMIN, tmp_path, "--phases", "examples,coverage,fuzzing", "-n", "2")


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ACCOUNTANT, Role.EMPLOYEE])
def test_every_refusal_of_a_role_is_described(company: Flask, role: Role, tmp_path: Path) -> None:
    examine(company, role, tmp_path, "--phases", "examples,fuzzing", "-n", "2")


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", Role)
@both
def test_every_answer_is_described_however_long_one_asks(
    company: Flask, role: Role, tmp_path: Path
) -> None:
    examine(company, role, tmp_path, "-n", "60")
