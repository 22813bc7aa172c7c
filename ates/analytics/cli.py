"""Commands over the sums of analytics."""

import json

import click
from flask.cli import AppGroup

from ates.analytics import verify as proof
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import DatabaseAway

commands = AppGroup("analytics", help="The sums that administrators see.")

DIFFERENCES = 4  # exit code


@commands.command()
@click.option("--quick", "full", flag_value=False, default=False, help="Sums only; the default.")
@click.option("--full", "full", flag_value=True, help="Count the whole log again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts in cents.")
@click.pass_context
def verify(ctx: click.Context, full: bool, as_json: bool) -> None:
    """Compare the figures with each other and with what accounting said of closed and paid days;
    with --full every row of every table with the log, up to where it has been read.

    Exit codes: 0 all agree, 4 differences (the first 100 are named), 1 could not run.
    """
    began = clock.monotonic()
    try:
        with reading("analytics") as session:
            found = proof.verify(session, full=full)
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    seconds = round(clock.monotonic() - began, 1)
    if as_json:
        click.echo(json.dumps(_report(found, seconds)))
    else:
        for sentence in (*found.differences, *found.notes):
            click.echo(sentence)
        if not found.differences:
            click.echo(f"Figures agree: {found.entries:,} entries, {found.days} days, {seconds} s")
    if found.differences:
        ctx.exit(DIFFERENCES)


def _report(found: proof.Findings, seconds: float) -> dict[str, object]:
    return {
        "agree": not found.differences,
        "level": found.level,
        "generation": found.generation,
        "entries": found.entries,
        "days": found.days,
        "differences": found.differences,
        "notes": found.notes,
        "seconds": seconds,
    }
