"""The application as an operator asks it: by its commands, each a process of its own."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from ates.kernel.errors import ConfigError
from ates.launch.bootstrap import CHECKOUT
from ates.launch.children import signal_group, spawn


class Stopped(Exception):
    """We were told to stop while a command ran."""


class Application:
    """Its command line, given up as soon as `stopping` holds something."""

    def __init__(self, environ: Mapping[str, str], stopping: Sequence[int]) -> None:
        self.environ, self.stopping = environ, stopping

    @staticmethod
    def words(*words: str) -> list[str]:
        """The command line of one of its commands."""
        return [sys.executable, "-m", "flask", "--app", str(CHECKOUT / "wsgi.py"), *words]

    def ask(self, *words: str, aloud: bool = False) -> str:
        """What a command says. Raises ConfigError if it fails, Stopped if we shall stop.

        `aloud` shows its errors, and so its progress, on a terminal at once.
        """
        shown = aloud and sys.stderr.isatty()
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
            errors = sys.stderr.buffer if shown else complained
            process = spawn(self.words(*words), self.environ, CHECKOUT, said, errors)
            self._wait(process)
            said.seek(0)
            complained.seek(0)
            answer = said.read().decode(errors="replace")
            if process.returncode != 0:
                why = complained.read().decode(errors="replace").strip() or answer.strip()
                why = why or "It said why above."
                raise ConfigError(f"`{' '.join(words)}` failed:\n{why[-1500:]}")
            return answer

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None:
            if self.stopping:
                signal_group(process, 9)  # whatever it did is whole or not there
                process.wait()
                raise Stopped
            time.sleep(0.02)
