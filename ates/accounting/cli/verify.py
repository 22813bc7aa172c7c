"""`flask accounting verify`: prove the books."""

import json
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

import click

from ates.accounting import runs
from ates.accounting import verify as proof
from ates.accounting.cli.group import commands
from ates.accounting.gate import prove
from ates.kernel import clock, db
from ates.kernel.errors import DatabaseAway

DIFFERENCES = 4  # exit code


@commands.command()
@click.option("--quick", "level", flag_value="quick", help="Sums against sums only.")
@click.option("--full", "level", flag_value="full", help="All blocks, all sums, and the log.")
@click.option(
    "--anchor",
    "anchor_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Compare with the seals in this file too.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, amounts in cents.")
@click.pass_context
def verify(
    ctx: click.Context,
    level: Literal["quick", "full"] | None,
    anchor_file: Path | None,
    as_json: bool,
) -> None:
    """Prove the books; without an option the quick check and the blocks since last time.

    A difference holds all payouts and letters until somebody releases them (`holds`).

    Exit codes: 0 clean, 4 differences (the first 100, with entry numbers), 1 could not run.
    """
    began, database = clock.monotonic(), db.database("accounting")
    try:
        with runs.noted(database, "verify") as run:
            found, held = prove(level or "new", anchor_file, _bar())
            run.exit_code = DIFFERENCES if found.differences else 0
            run.report = _proof(found, round(clock.monotonic() - began, 1))
    except DatabaseAway as error:
        raise click.ClickException(f"The database does not answer: {error}") from error
    except OSError as error:
        raise click.ClickException(f"The anchors cannot be read: {error}") from error
    except BrokenProcessPool as error:
        raise click.ClickException(f"A process died; nothing is proven: {error}") from error
    if as_json:
        click.echo(json.dumps(run.report))
    elif found.differences:
        for difference in found.differences:
            click.echo(str(difference))
        if held is not None:
            click.echo(f"All payouts and letters are held: flask accounting release {held}")
    else:
        seconds = run.report["seconds"]
        click.echo(f"Books balance: {found.entries:,} entries, {seconds} s")
    ctx.exit(run.exit_code)


def _bar() -> proof.Progress:
    """Progress on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def show(done: int, ahead: int) -> None:
        end = "\n" if done >= ahead else ""
        click.echo(f"\r{done:,} of {ahead:,} entries{end}", err=True, nl=False)

    return show


def _proof(found: proof.Found, seconds: float) -> dict[str, Any]:
    return {
        "agree": not found.differences,
        "level": found.level,
        "entries": found.entries,
        "block_no": found.block_no,
        "seconds": seconds,
        "differences": [
            {
                "sentence": each.sentence,
                "first_entry_no": each.first_entry_no,
                "last_entry_no": each.last_entry_no,
                "cents": each.cents,
            }
            for each in found.differences
        ],
    }
