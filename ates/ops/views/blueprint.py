"""The blueprint that all pages of operations belong to."""

from pathlib import Path

from flask import Blueprint

pages = Blueprint(
    "ops",
    __name__,
    url_prefix="/ops",
    template_folder=str(Path(__file__).parents[1] / "templates"),
)
