"""The commands `flask ops …`: for the people on call and for machines."""

import json
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

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
