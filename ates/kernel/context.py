"""The manifest in which a part tells the factory what it has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import click
from flask import Blueprint, Flask
from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from ates.kernel.bulk import Loader, Scribe
from ates.kernel.duty import Duty
from ates.kernel.inbox import Inbox
from ates.kernel.mail import LetterBox
from ates.kernel.once import RequestColumns
from ates.kernel.stage import Scene, Stage
from ates.kernel.tally import Tally
from ates.kernel.trace import Trace


@dataclass(frozen=True)
class NavItem:
    """One area in the menu. `label` is a msgid; who sees it follows from the endpoint's rule."""

    endpoint: str
    label: str
    key: str  # second letter of the keyboard shortcut, `g` + key


@dataclass(frozen=True)
class Context:
    """One part: what the factory mounts. A part taken out is this same manifest, mounted alone."""

    name: str
    tables: MetaData
    pages: Blueprint | None = None
    # Its JSON endpoints (web.api.Api).
    api: Blueprint | None = None
    inbox: Inbox | None = None
    commands: click.Group | None = None
    nav: Sequence[NavItem] = ()
    letters: Sequence[LetterBox[Any]] = ()
    # Long acts that the events worker goes on with, step by step (kernel.duty).
    duties: Sequence[Duty] = ()
    # The table of form keys (kernel.once), for parts with forms.
    requests: type[RequestColumns] | None = None
    # What the part adds to the frame of every page of a signed-in person: name -> function of the
    # person's id. `balance` (cents or None) and `pending` (number) make the chip.
    frame: Mapping[str, Callable[[UUID], Any]] = field(default_factory=dict)
    # What the shell needs from the part that keeps sessions (auth), see web/identity.py.
    gate: Any = None
    # Last step of the factory for this part (settings it keeps in app.extensions).
    setup: Callable[[Flask], None] | None = None
    # What `flask ops verify` asks of the part: quick or full -> sentences of what does not hold.
    verify: Callable[[bool], Sequence[str]] | None = None
    # What the part does when a check of any part found something: it is told which and what.
    alarm: Callable[[str, str], None] | None = None
    # Single facts operators ask for: accounting tells `oldest_unpaid_day`.
    figures: Callable[[Session], Mapping[str, Any]] | None = None
    # What it counts of each business day, for the reconciliation of the parts (ops.reconciliation).
    tally: Tally | None = None
    # How the part helps to follow one act through the house (ops.chain).
    trace: Trace | None = None
    # What the part's people do in the demonstration company.
    demo: Callable[[Stage], Iterable[Scene]] | None = None
    # Who writes the part's tables of a large company at once, from its chronicle (ops.bulk).
    bulk: Callable[[Loader, Any], Scribe] | None = None
