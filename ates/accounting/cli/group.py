"""The group that all commands over the books belong to, and what they share."""

from datetime import date
from typing import Any

import click
from flask.cli import AppGroup

commands = AppGroup("accounting", help="The books: payout and proof.")


class DayParameter(click.ParamType[date]):
    """A date as 2026-11-22."""

    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-11-22.", param, ctx)
