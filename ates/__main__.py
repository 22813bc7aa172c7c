"""`python3 -m ates WORD`: prepares the environment with the standard library, then hands over."""

from __future__ import annotations  # an old python must come as far as the sentence about it

import os
import sys

from ates import __version__
from ates.launch import bootstrap

HELP = """\
aTES, the Awesome Task Exchange System.

  python3 -m ates run [--help]    start everything here and print where
  python3 -m ates test [ARGS]     install what the tests need and run them
  python3 -m ates init            prepare or upgrade the data folder, start nothing
  python3 -m ates WORD ...        any other word is Flask's command line, for example
                                  accounting payout, auth create-person, events status

ATES_DATA names the data folder (default: var/ in the checkout)."""

MODULES = {"run": "ates.launch.run", "test": "ates.launch.test", "init": "ates.launch.init"}


def main(words: list[str]) -> None:
    """Become the process that does what was asked; returns only to refuse or to help."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
        return
    if words[0] == "--version":
        print(f"aTES {__version__}")
        return
    try:
        python = bootstrap.prepare(bootstrap.TOOLS if words[0] == "test" else bootstrap.RUNTIME)
    except bootstrap.Refused as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
    environ = bootstrap.environment(os.environ)
    if words[0] in MODULES:
        command = ["-m", MODULES[words[0]], *words[1:]]
    else:
        command = ["-m", "flask", "--app", str(bootstrap.CHECKOUT / "wsgi.py"), *words]
    os.execve(python, [str(python), *command], environ)  # noqa: S606 - becomes it on purpose


if __name__ == "__main__":
    main(sys.argv[1:])
