"""Commands over the sums of analytics."""

import json

import click
from flask.cli import AppGroup

from ates.analytics import verify as checks
from ates.analytics.queries.board import live
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import DatabaseAway

commands = AppGroup("analytics", help="The sums that administrators see.")
SHOWN = 100
DIFFERENCES = 4  # exit code


@commands.command()
@click.option("--quick", is_flag=True, help="Sums and control totals only; the default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts in cents.")
@click.pass_context
def verify(ctx: click.Context, quick: bool, as_json: bool) -> None:
    """Compare the sums with each other and with what accounting said of each closed or paid day.

    Exit codes: 0 all agree, 4 differences (the first 100 are named), 1 could not run.
    """
    began = clock.monotonic()
    try:
        with reading("analytics") as session:
            _, generation = live(session)
            found = checks.quick(session, generation)
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    seconds = round(clock.monotonic() - began, 1)
    differences = found.differences[:SHOWN]
    if as_json:
        report = {"level": "quick", "generation": generation, "entries": found.entries}
        counted = {"days": found.days, "differences": differences, "seconds": seconds}
        click.echo(json.dumps({"agree": not differences, **report, **counted}))
    else:
        for sentence in differences:
            click.echo(sentence)
        if not differences:
            click.echo(f"Figures agree: {found.entries:,} entries, {found.days} days, {seconds} s")
    if differences:
        ctx.exit(DIFFERENCES)
