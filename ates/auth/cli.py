"""Commands over people; the first admin is made here (R3). Exit 0 done, 1 refused, 2 misused."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import click
from flask import current_app
from flask.cli import AppGroup

from ates.auth import demo as company
from ates.auth import details, passwords, queries, service
from ates.auth.queries import PersonRow
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, DatabaseAway, Invalid, Refusal

P = ParamSpec("P")

commands = AppGroup("auth", help="People, roles and passwords.")

NO_PASSWORD = N_("No password came on the standard input.")


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """A refusal is one sentence on stderr and exit 1, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Refusal as error:
            sentences = [str(each) for each in error.fields.values()] or [str(error)]
            click.echo(" ".join(sentences), err=True)
            sys.exit(1)
        except DatabaseAway as error:
            click.echo(f"The database does not answer: {error}", err=True)
            sys.exit(1)

    return run


@commands.command("create-person")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice([str(each) for each in Role]))
@click.option("--trade", default="", help="What they do, in free words; gives no rights.")
@click.option("--locale", default="en", type=click.Choice(details.LOCALES), show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
@_plainly
def create_person(
    email: str, name: str, role: str, trade: str, locale: str, password_stdin: bool, as_json: bool
) -> None:
    """Register a person. Without a password a letter invites them to set one."""
    password = _password(email, name) if password_stdin else None
    phc = passwords.hashed(password) if password is not None else None
    with transaction("auth") as session:
        person = service.create_person(
            session,
            email=email,
            name=name,
            role=Role(role),
            trade=trade,
            locale=locale,
            password_hash=phc,
        )
        if phc is None:
            service.invite(session, person.id)
    letter = phc is None
    if as_json:
        click.echo(json.dumps({"id": str(person.id), "email": person.email, "letter": letter}))
        return
    tail = " A letter to set the password is queued." if letter else ""
    click.echo(f"{person.name} ({person.email}) is registered as {role}.{tail}")


@commands.command("list-people")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
@_plainly
def list_people(as_json: bool) -> None:
    """Everybody, by name."""
    after: str | None = ""
    while after is not None:
        with reading("auth") as session:
            page = queries.people(session, after=after, limit=500)
        for row in page.rows:
            click.echo(json.dumps(_plain(row), ensure_ascii=False) if as_json else _line(row))
        after = page.after


@commands.command("set-password")
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, required=True, help="The only way to give it.")
@_plainly
def set_password(email: str, password_stdin: bool) -> None:
    """Give a person a new password; all their sessions end."""
    with reading("auth") as session:
        person = queries.person_by_email(session, email)
    phc = passwords.hashed(_password(person.email, person.name))
    with transaction("auth") as session:
        service.set_password(session, person.id, phc)
    click.echo(f"{person.name} ({person.email}) has a new password; all sessions are ended.")


@commands.command("demo")
@_plainly
def demo() -> None:
    """Print one sign-in per role of the demonstration company, of those who are there, as JSON."""
    config: Config = current_app.extensions["ates.config"]
    if config.production:
        raise Refusal(N_("There is no demonstration in production."))
    click.echo(json.dumps(company.sign_ins(), indent=2))


def _password(*about: str) -> str:
    """One line of standard input. Raises Invalid for a password that is refused (S3)."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid(NO_PASSWORD)
    passwords.check(password, about=about)
    return password


def _plain(row: PersonRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "name": row.name,
        "role": str(row.role),
        "trade": row.trade,
        "active": row.active,
        "last_sign_in_at": row.last_sign_in_at.isoformat() if row.last_sign_in_at else None,
    }


def _line(row: PersonRow) -> str:
    state = "" if row.active else "  not active"
    return f"{row.role:<10}  {row.email:<32}  {row.name}{state}"
