"""Commands over people and tokens; the first admin is made here (R3).

Exit 0 done, 1 refused, 2 misused.
"""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from ates.auth import demo as company
from ates.auth import details, passwords, queries, service
from ates.auth.models import Scope
from ates.auth.queries import PersonRow, TokenRow
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, DatabaseAway, Invalid, Refusal

P = ParamSpec("P")

commands = AppGroup("auth", help="People, roles, passwords and tokens.")

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


@commands.command("token")
@click.option("--email", required=True)
@click.option(
    "--scope",
    default="read",
    type=click.Choice([str(each) for each in Scope]),
    show_default=True,
    help="What the token may do.",
)
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
@_plainly
def token(email: str, scope: str, name: str, as_json: bool) -> None:
    """Make an API token that acts as this person for a year. It is printed once."""
    with transaction("auth") as session:
        person = queries.person_by_email(session, email)
        issued = service.issue_token(session, person.id, name=name, scope=Scope(scope))
    if as_json:
        click.echo(json.dumps({"token": issued.secret}))
        return
    click.echo(issued.secret)
    click.echo(
        f"Acts as {person.name} ({scope}) until {issued.ends_at:%Y-%m-%d}; it is not shown again. "
        f"End it with: flask auth revoke-token {issued.id}",
        err=True,
    )


@commands.command("tokens")
@click.option("--email", required=True)
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
@_plainly
def tokens(email: str, as_json: bool) -> None:
    """The API tokens of a person, newest first: works, over or revoked."""
    with reading("auth") as session:
        person, after, more = queries.person_by_email(session, email), None, True
        while more:
            page = queries.tokens_of(session, person.id, revoked=True, after=after, limit=500)
            for row in page.rows:
                told = _plain_token(row)
                click.echo(json.dumps(told, ensure_ascii=False) if as_json else _token_line(row))
            after, more = page.after, page.after is not None


@commands.command("revoke-token")
@click.argument("token_id", metavar="ID", type=click.UUID)
@_plainly
def revoke_token(token_id: UUID) -> None:
    """End an API token for good; the next request with it is refused."""
    with transaction("auth") as session:
        ended = service.revoke_token(session, token_id, of=None)
    click.echo("The token is revoked." if ended else "The token was revoked before.")


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


def _plain_token(row: TokenRow) -> dict[str, Any]:
    moments = {
        "made_at": row.made_at,
        "ends_at": row.ends_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
    return {
        "id": str(row.id),
        "name": row.name,
        "scope": str(row.scope),
        "state": row.state(clock.now()),
        **{name: each.isoformat() if each else None for name, each in moments.items()},
    }


def _token_line(row: TokenRow) -> str:
    used = f"used {row.last_used_at:%Y-%m-%d %H:%MZ}" if row.last_used_at else "never used"
    state = f"{row.state(clock.now()):<7}  {row.scope:<5}  ends {row.ends_at:%Y-%m-%d}"
    return f"{row.id}  {state}  {used:<22}  {row.name}"
