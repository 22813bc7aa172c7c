"""`flask events chain`: one act from the click to the letter, on a terminal."""

import json
import re
import sys
from dataclasses import asdict
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from ates.kernel.db import Database
from ates.kernel.trace import TraceLine
from ates.ops import chain
from ates.ops.chain import Chain, Click, Link

ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
UNKNOWN = 5  # exit code


@click.command("chain")
@click.option("--task", type=click.IntRange(1, 2**62), help="All that happened to this task.")
@click.option("--correlation", help="The id of a request: in its answer, its events, its log line.")
@click.option("--event", "event_id", help="The chain this event belongs to.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def show(task: int | None, correlation: str | None, event_id: str | None, as_json: bool) -> None:
    """Follow one act through the house: events, who has heard them, entries, letters.

    Exit codes: 0 found, 5 unknown, 2 wrong words.
    """
    asked = [each for each in (task, correlation, event_id) if each is not None]
    if len(asked) != 1:
        raise click.UsageError("Say one of --task, --correlation and --event.")
    found = _find(asked[0])
    if found is None:
        click.echo("Nothing is known of it.", err=True)
        sys.exit(UNKNOWN)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str))
        return
    for each in found.clicks:
        click.echo("\n".join(_lines(each)))
    if found.more:
        click.echo(f"… and more: the first {chain.SHOWN} events are shown.")


def _find(asked: Any) -> Chain | None:
    database: Database = current_app.extensions["ates.database"]
    parts = current_app.extensions["ates.contexts"]
    with database.reading() as session:
        if isinstance(asked, int):
            return chain.of_task(session, parts, asked)
        if not ID.fullmatch(asked):
            raise click.UsageError("An id looks like 019ac5f0-1b2c-7000-8000-0123456789ab.")
        return chain.of_id(session, parts, asked)


def _lines(act: Click) -> list[str]:
    head = f"{act.at:%Y-%m-%d %H:%M:%S.%f}Z  {act.id or 'without a request'}"
    by = [f"  by {act.actor}"] if act.actor else []
    return [
        head,
        *by,
        *(line for link in act.links for line in _link(link)),
        *(f"  → {_words(each)}" for each in act.made),
    ]


def _link(link: Link) -> list[str]:
    indent = "  " * (link.depth + 1)
    where = "held" if link.held else "staged" if link.position is None else f"at {link.position:,}"
    heard = ", ".join(f"{each.consumer} {each.state}" for each in link.heard) or "nobody listens"
    return [
        f"{indent}{link.type} {link.key_version} of {link.key}, {where}: {heard}",
        *(f"{indent}  → {_words(each)}" for each in link.made),
    ]


def _words(line: TraceLine) -> str:
    said = line.sentence % line.values if line.values else line.sentence
    return f"{said} ({line.state})" if line.state else said


commands = (show,)
