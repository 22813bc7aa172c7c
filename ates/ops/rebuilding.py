"""`flask events rebuild` and `swap`: read models made anew while the old ones serve."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from ates.kernel import clock, generations
from ates.kernel.db import Database
from ates.kernel.delivery import Storm
from ates.kernel.errors import Corrupt
from ates.kernel.inbox import Inbox
from ates.kernel.rebuild import Progress, Rebuild, Refused
from ates.kernel.tables import OWN, log_head

WORKER_SILENT = timedelta(seconds=30)

name_argument = click.argument("consumer")
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.command("rebuild")
@name_argument
@click.option("--wait", is_flag=True, help="Work along until the new generation has caught up.")
@click.option("--and-swap", is_flag=True, help="Wait, then let the pages read the new one.")
@click.option("--abandon", is_flag=True, help="Give the new generation up; the live one stays.")
@json_option
@with_appcontext
def rebuild(consumer: str, wait: bool, and_swap: bool, abandon: bool, as_json: bool) -> None:
    """Make the read models of CONSUMER anew from the log; the pages go on with the old ones.

    The events worker fills them whenever it has nothing else to do; where none runs, this command
    does. May be killed and repeated at any time. Exit 1 with a sentence if it is refused.
    """
    found = _of(consumer)
    with _refusals():
        if abandon:
            name = found.abandon()
            _say(f"{name} is given up; its rows go later.", {"abandoned": name}, as_json)
            return
        fresh = found.begin()
        if wait or and_swap or not _worker_runs(found.database):
            _fill(found, quiet=as_json)
        report = report_on(found)
        if and_swap:
            _swap(found, report, as_json)
        elif report:
            _say(_sentence(report, fresh), report, as_json)
        else:
            raise Refused(f"Somebody else has swapped or abandoned the rebuild of {found.base}.")


@click.command("swap")
@name_argument
@json_option
@with_appcontext
def swap(consumer: str, as_json: bool) -> None:
    """Let the pages read the rebuilt generation of CONSUMER; the old one's rows go later."""
    with _refusals():
        _swap(_of(consumer), {}, as_json)


commands = (rebuild, swap)


def report_on(found: Rebuild) -> dict[str, Any]:
    """How far a rebuild is, and how many rows differ once both stand at the same position."""
    progress = found.progress()
    if progress is None:
        return {}
    return {
        **asdict(progress),
        "caught_up": progress.caught_up,
        "differing": _differing(found, progress) if progress.caught_up else None,
    }


def reports(database: Database, inboxes: list[Inbox]) -> list[dict[str, Any]]:
    """Of all rebuilds under way."""
    found = [report_on(Rebuild(database, inbox)) for inbox in inboxes if inbox.rebuildable]
    return [each for each in found if each]


def sentence(report: dict[str, Any]) -> str:
    """The same for people."""
    if not report["caught_up"]:
        share = 100 * report["position"] // max(1, report["head"])
        return f"{report['name']}: {report['position']:,} of {report['head']:,} events ({share} %)."
    return (
        f"{report['name']} has caught up at {report['position']:,}; {report['differing']:,} rows"
        f" differ from {report['live']}, {report['failed']:,} events failed."
    )


def _sentence(report: dict[str, Any], fresh: bool) -> str:
    base = generations.base_of(report["name"])
    if report["caught_up"]:
        return f"{sentence(report)}\n`flask events swap {base}` lets the pages read it."
    begun = "begins" if fresh else "is being filled already"
    return f"{report['name']} {begun} while {report['live']} serves.\n{sentence(report)}"


def _swap(found: Rebuild, report: dict[str, Any], as_json: bool) -> None:
    new, old = found.swap()
    done = {**report, "live": new, "retired": old}
    done.pop("name", None)
    _say(f"{new} is live; {old} is retired, its rows go later.", done, as_json)


def _fill(found: Rebuild, *, quiet: bool) -> None:
    """Work along; on a terminal with a line that tells how far it is."""
    shown = not quiet and sys.stderr.isatty()

    def tell() -> bool:
        progress = found.progress() if shown else None
        if progress is not None:
            line = f"{progress.name}: {progress.position:,} of {progress.head:,} events"
            click.echo(f"\r{line}", nl=False, err=True)
        return False

    found.fill(stop=tell)
    if shown:
        click.echo("\r\033[K", nl=False, err=True)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (Refused, Corrupt, Storm) as refusal:
        raise click.ClickException(str(refusal)) from None


def _of(name: str) -> Rebuild:
    inbox = current_app.extensions["ates.inboxes"].get(generations.base_of(name))
    if inbox is None:
        raise click.ClickException(f"There is no consumer {name}.")
    return Rebuild(current_app.extensions["ates.database"], inbox)


def _worker_runs(database: Database) -> bool:
    with database.reading() as session:
        swept = session.scalar(select(func.max(log_head.c.swept_at)).where(OWN))
    return swept is not None and clock.now() - swept < WORKER_SILENT


def _differing(found: Rebuild, progress: Progress) -> int:
    with found.database.reading() as session:
        return generations.differing(session, found.inbox.tables, progress.live, progress.name)


def _say(words: str, report: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(report) if as_json else words)
