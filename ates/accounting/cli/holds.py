"""`flask accounting hold`, `release` and `holds`: stop payouts and let them go on."""

import json
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import click

from ates.accounting.cli.group import DayParameter, commands
from ates.accounting.gate import books
from ates.accounting.queries import holds as queries
from ates.accounting.queries.holds import HoldRow
from ates.accounting.service import holds as service
from ates.kernel.db import reading, transaction
from ates.kernel.errors import DatabaseAway, Refusal

P = ParamSpec("P")


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """A refusal is one sentence on stderr and exit 1, never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Refusal as error:
            raise click.ClickException(str(error)) from None
        except DatabaseAway as error:
            raise click.ClickException(f"The database does not answer: {error}") from error

    return run


by_option = click.option("--by", required=True, metavar="EMAIL", help="Who decides.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@commands.command()
@click.option("--day", type=DayParameter(), help="This day and all later ones are not paid.")
@click.option("--person", metavar="EMAIL", help="Every payout skips this person's account.")
@click.option("--all", "everything", is_flag=True, help="All payouts, and the letters about them.")
@by_option
@click.option("--reason", required=True, help="10 to 500 characters, for the record.")
@json_option
@plainly
def hold(
    day: date | None, person: str | None, everything: bool, by: str, reason: str, as_json: bool
) -> None:
    """Stop payouts until another person releases them. Posting and closing go on.

    Exit 0 done, 1 refused, 2 misused.
    """
    if [day is not None, person is not None, everything].count(True) != 1:
        raise click.UsageError("Name one of --day, --person and --all.")
    with transaction("accounting") as session:
        who = queries.bookkeeper(session, by)
        if day is not None:
            made = service.hold_day(session, books(), day, reason=reason, by=who)
        elif person is not None:
            owner = queries.person_by_email(session, person)
            made = service.hold_account(session, books(), owner, reason=reason, by=who)
        else:
            made = service.hold_everything(session, books(), reason=reason, by=who)
    _say(made, as_json, "It holds until another person says: flask accounting release {}")


@commands.command()
@click.argument("hold_id", metavar="ID", type=click.UUID)
@by_option
@json_option
@plainly
def release(hold_id: UUID, by: str, as_json: bool) -> None:
    """End a hold; whoever set it cannot. Exit 0 done, also when it was over, 1 refused.

    After a difference in the books everything is held. A release lets payouts and letters go on
    at once, whatever the books say: the next check that finds a difference holds them again.
    """
    with transaction("accounting") as session:
        service.release(session, books(), hold_id, by=queries.bookkeeper(session, by))
    _say(hold_id, as_json, "Hold {} is over; the next payout pays what is due.")


@commands.command("holds")
@click.option("--released", is_flag=True, help="Also those that are over.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@plainly
def list_holds(released: bool, as_json: bool) -> None:
    """What is held, newest first."""
    after: UUID | None = None
    while True:
        with reading("accounting") as session:
            page = queries.holds(session, active=not released, after=after, limit=200)
        for row in page.rows:
            click.echo(json.dumps(_plain(row)) if as_json else _line(row))
        if page.older is None:
            return
        after = page.older


def _say(hold_id: UUID, as_json: bool, sentence: str) -> None:
    click.echo(json.dumps({"id": str(hold_id)}) if as_json else sentence.format(hold_id))


def _plain(row: HoldRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "of": row.of,
        "day": str(row.day) if row.day else None,
        "person": str(row.person_id) if row.person_id else None,
        "reason": row.reason,
        "held_by": str(row.held_by) if row.held_by else None,
        "held_at": row.held_at.isoformat(),
        "released_by": str(row.released_by) if row.released_by else None,
        "released_at": row.released_at.isoformat() if row.released_at else None,
    }


def _line(row: HoldRow) -> str:
    of = str(row.day or row.person_id or "everything")
    by = row.holder or ("the proof of the books" if row.held_by is None else str(row.held_by))
    over = f"; released {row.released_at:%Y-%m-%d %H:%M:%SZ}" if row.released_at else ""
    return f"{row.id}  {of}  {row.held_at:%Y-%m-%d %H:%M:%SZ} by {by}{over}: {row.reason}"
