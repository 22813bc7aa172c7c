"""The commands over people (R3)."""

import json

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from ates.auth.models import Letter
from ates.config import Config
from ates.kernel.db import reading
from tests.auth import make
from tests.engines.people import Visitor

AURORA = ("--email", "aurora@popug.example", "--name", "Aurora K.", "--role", "admin")


def run(app: Flask, *args: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["auth", *args], input=typed)


def letters(app: Flask) -> int:
    with app.app_context(), reading("auth") as session:
        return len(session.scalars(select(Letter)).all())


def test_the_first_admin_is_made_by_a_command(app: Flask, client: Visitor) -> None:
    done = run(app, "create-person", *AURORA, "--password-stdin", typed=make.PASSWORD + "\n")
    assert (done.exit_code, done.stdout) == (
        0,
        "Aurora K. (aurora@popug.example) is registered as admin.\n",
    )
    assert make.knock(client, "aurora@popug.example").status_code == 303
    assert client.get("/auth/people/").status_code == 200
    assert letters(app) == 0


def test_without_a_password_a_letter_is_queued_and_it_says_so(app: Flask) -> None:
    done = run(app, "create-person", *AURORA)
    assert done.exit_code == 0
    assert "A letter to set the password is queued." in done.stdout
    assert letters(app) == 1


def test_a_repeated_command_says_so_and_ends_with_1(app: Flask) -> None:
    run(app, "create-person", *AURORA)
    done = run(app, "create-person", *AURORA)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Somebody with this e-mail is already there.\n"
    assert letters(app) == 1


@pytest.mark.parametrize(
    ("change", "typed", "sentence"),
    [
        (("--email", "aurora"), None, "Write one e-mail address, like polly@example.com."),
        (("--name", " "), None, "Write the name."),
        (("--trade", "x" * 51), None, "Keep the trade within 50 characters."),
        (("--password-stdin",), "short\n", "Use at least 8 characters."),
        (("--password-stdin",), "popugpopug\n", "This password is too easy to guess."),
        (("--password-stdin",), "", "No password came on the standard input."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_1(
    app: Flask, change: tuple[str, ...], typed: str | None, sentence: str
) -> None:
    done = run(app, "create-person", *AURORA, *change, typed=typed)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run(app, "list-people").stdout == ""


@pytest.mark.parametrize("args", [(), AURORA[:4], (*AURORA[:4], "--role", "emperor")])
def test_wrong_usage_is_exit_2(app: Flask, args: tuple[str, ...]) -> None:
    assert run(app, "create-person", *args).exit_code == 2


def test_programs_read_json(app: Flask) -> None:
    made = json.loads(run(app, "create-person", *AURORA, "--json").stdout)
    assert made["letter"] is True
    (listed,) = map(json.loads, run(app, "list-people", "--json").stdout.splitlines())
    assert listed == {
        "id": made["id"],
        "email": "aurora@popug.example",
        "name": "Aurora K.",
        "role": "admin",
        "trade": None,
        "active": True,
        "last_sign_in_at": None,
    }


def test_a_password_is_set_by_a_command_and_ends_all_sessions(app: Flask) -> None:
    kesha = make.somebody(app)
    browser = make.enter(app, kesha)
    new = "four birds on a roof"
    done = run(app, "set-password", "--email", kesha.email.upper(), "--password-stdin", typed=new)
    assert done.exit_code == 0, done.output
    assert not make.is_in(browser)
    assert make.knock(browser, kesha.email, new).status_code == 303


def test_the_password_of_somebody_unknown_is_not_set(app: Flask) -> None:
    done = run(app, "set-password", "--email", "x@y", "--password-stdin", typed=make.PASSWORD)
    assert (done.exit_code, done.stderr) == (1, "There is no such person.\n")


def test_there_is_no_demonstration_in_production(app: Flask, config: Config) -> None:
    object.__setattr__(config, "env", "production")
    done = run(app, "demo")
    assert (done.exit_code, done.stderr) == (1, "There is no demonstration in production.\n")
