"""`make docs`: the command `flask ops docs` on this checkout, without a data folder."""

import sys
import tempfile
from pathlib import Path

from ates.app import create_app

from .settings import trial


def main(words: list[str]) -> int:
    """Write the generated files; `--unreleased` lets schemas change that nobody has yet."""
    with tempfile.TemporaryDirectory() as data:
        app = create_app(trial(Path(data), f"sqlite:///{data}/ates.sqlite3"))
        answer = app.test_cli_runner().invoke(args=["ops", "docs", *words])
    print(answer.output, end="")
    return answer.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
