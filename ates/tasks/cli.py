"""The commands of tasks."""

import json

import click
from flask.cli import AppGroup

from ates.kernel.db import transaction
from ates.tasks import service

commands = AppGroup("tasks", help="Tasks, the lot and the shuffles.")


@commands.command("part-titles")
@click.option("--batch", default=200, show_default=True, type=click.IntRange(1, 5000))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def part_titles(batch: int, as_json: bool) -> None:
    """Move Jira ids out of old titles into their own field (R9).

    Small batches, each a transaction of its own under locks; says tasks.task_retitled for each
    change. Safe to run again: what is parted stays. Exit 0 when everything was looked at.
    """
    after, looked, changed = 0, 0, 0
    while True:
        with transaction("tasks") as session:
            step = service.part_titles(session, after=after, batch=batch)
        if step is None:
            break
        after, looked, changed = step.last, looked + step.looked, changed + step.changed
    if as_json:
        click.echo(json.dumps({"looked": looked, "changed": changed}))
    else:
        click.echo(f"Looked at {looked} tasks, parted {changed} titles.")
