"""The commands `flask ops …`: for the people on call and for machines."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from flask import Flask, current_app
from flask.cli import with_appcontext

from ates.kernel import clock
from ates.kernel.context import Context
from ates.kernel.db import database, patient
from ates.kernel.errors import DatabaseAway
from ates.ops import doctor as doctors
from ates.ops import facts, proof, reconciliation
from ates.ops.catalogue import everything
from ates.ops.compatibility import breaks

commands = click.Group("ops", help="How aTES stands, and what its code says of itself.")


@commands.command("docs")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The checkout.")
@click.option("--unreleased", is_flag=True, help="Nobody has these schemas yet: let them change.")
@with_appcontext
def docs(into: Path, unreleased: bool) -> None:
    """Write schemas/ and the generated pages of docs/ anew.

    A schema that was there may only gain optional fields; else the event needs a new version.
    """
    for name, text in everything(current_app.extensions["ates.contexts"]).items():
        path = into / name
        if path.suffix == ".json" and path.exists():
            found = breaks(json.loads(path.read_text()), json.loads(text))
            if found and not unreleased:
                raise click.ClickException(f"{name}: {found[0]}. Give the event a new version.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            click.echo(name)


@commands.command("status")
@click.option("--json", "as_json", is_flag=True, help="The object of GET /api/v1/ops/status.")
@with_appcontext
def status(as_json: bool) -> None:
    """How aTES stands. Exit 0 healthy, 3 something is stuck, 1 the database does not answer."""
    try:
        found = facts.status(database("ops"), _contexts())
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        click.echo(facts.told(found))
    sys.exit(0 if found.healthy else 3)


@commands.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Whether this installation may start; run it before each start.

    Exit 0, or 78 when a line has failed: a supervisor must not try again. Settings that cannot be
    read end every command with 78 and a sentence, this one too. A warning stops nothing: an absent
    database, Redis or mail server comes back by itself.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    lines = doctors.examine(app)
    if as_json:
        click.echo(json.dumps(doctors.plain(lines)))
    else:
        width = max(len(each.name) for each in lines)
        for each in lines:
            click.echo(f"{each.state.upper():6}  {each.name.ljust(width)}  {each.says}")
    sys.exit(doctors.REFUSED if doctors.failed(lines) else 0)


@commands.command("verify")
@click.option("--quick", "level", flag_value="quick", help="What is cheap (the default).")
@click.option("--full", "level", flag_value="full", help="Everything, from the first row.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def verify(level: str | None, as_json: bool) -> None:
    """Check the log and what each part knows must hold; the pages show when and how it ended.

    Exit 0 all holds, 4 differences (the first hundred of each part), 1 could not run.
    """
    began = clock.monotonic()
    try:
        found = proof.verify(database("ops"), _contexts(), full=level == "full")
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    seconds = round(clock.monotonic() - began, 1)
    if as_json:
        click.echo(json.dumps({"level": level or "quick", "seconds": seconds, "parts": found}))
    else:
        for part, differences in found.items():
            for each in differences:
                click.echo(f"{part}: {each}")
        if not any(found.values()):
            click.echo(f"All holds ({', '.join(found)}), {seconds} s")
    sys.exit(proof.DIFFERENCES if any(found.values()) else 0)


@commands.command("reconcile")
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=reconciliation.DAYS,
    show_default=True,
    help="The newest days.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs, amounts in integer cents.")
@with_appcontext
def reconcile(days: int, as_json: bool) -> None:
    """Compare tracker, ledger and analytics day by day, row by row, and name every difference.

    Assignments are fees, completions are rewards, the figures of analytics are those of accounting,
    payouts have letters. Exit 0 all agree, 3 something is on its way, 4 differences, 1 could not
    run.
    """
    try:
        with patient("ops") as long, long.reading() as session:
            found = reconciliation.reconcile(
                session, _contexts(), at=clock.now(), days=days, rows=True
            )
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    if as_json:
        click.echo(json.dumps(reconciliation.for_programs(found)))
    else:
        click.echo("\n".join(reconciliation.for_people(found)))
    sys.exit(int(found.standing))


def _contexts() -> Sequence[Context]:
    found: Sequence[Context] = current_app.extensions["ates.contexts"]
    return found
