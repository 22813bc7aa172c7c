"""What surrounds every page: the areas one may open, the chip with the balance, the footer."""

from dataclasses import dataclass
from uuid import UUID

from flask import current_app, render_template, request, url_for

from ates.config import Config
from ates.kernel.context import Context, NavItem
from ates.kernel.errors import is_outage
from ates.web import access, i18n, identity

ORDER = "mtafspo"  # of the areas, by their keys: one's own first, then what few may open


@dataclass(frozen=True)
class Area:
    """One entry of the menu."""

    label: str
    address: str
    key: str
    current: bool


@dataclass(frozen=True)
class Chip:
    """The own account in short: booked balance and how many amounts are on their way."""

    address: str
    balance: int | None  # cents; None: no account yet
    pending: int


@dataclass(frozen=True)
class Frame:
    """What layout.html draws around a page."""

    person: identity.Person | None
    areas: tuple[Area, ...]
    chip: Chip | None
    zone: str
    language: str
    languages: tuple[tuple[str, str], ...]
    production: bool


def frame(*, calm: bool = False) -> Frame:
    """The frame of the page in hand. `calm` asks no part for anything: for pages of faults."""
    config: Config = current_app.extensions["ates.config"]
    person = identity.seen()
    return Frame(
        person=person,
        areas=_areas(person) if person else (),
        chip=_chip(person) if person and not calm else None,
        zone=config.timezone,
        language=i18n.language(),
        languages=tuple(i18n.LANGUAGES.items()),
        production=config.production,
    )


def chip_beside() -> str:
    """The chip as a part that replaces itself beside the main answer (`hx-swap-oob`)."""
    person = identity.seen()
    chip = _chip(person) if person else None
    return render_template("_chip.html", chip=chip, beside=True) if chip else ""


def chip_of(person: identity.Person) -> Chip | None:
    """The chip of the signed-in person, where a part offers a balance."""
    return _chip(person)


def mounted(endpoint: str) -> bool:
    """Whether a page exists here: parts may be taken out."""
    return endpoint in current_app.view_functions


def _contexts() -> tuple[Context, ...]:
    found: tuple[Context, ...] = current_app.extensions["ates.contexts"]
    return found


def _open_to(person: identity.Person) -> list[NavItem]:
    items = [item for context in _contexts() for item in context.nav]
    rules = {item.endpoint: access.rule_of(current_app, item.endpoint) for item in items}
    mine = [item for item in items if (rule := rules[item.endpoint]) and rule.admits(person)]
    return sorted(mine, key=lambda item: ORDER.find(item.key) % (len(ORDER) + 1))


def _areas(person: identity.Person) -> tuple[Area, ...]:
    items = [(item, url_for(item.endpoint)) for item in _open_to(person)]
    # The longest address that begins this one: a task's page belongs to All tasks, not to nothing.
    here = max((at for _, at in items if request.path.startswith(at)), key=len, default=None)
    return tuple(
        Area(i18n.gettext(item.label), at, f"g {item.key}", at == here) for item, at in items
    )


def _chip(person: identity.Person) -> Chip | None:
    """Offered by the parts' manifests; a chip that cannot be read is left out, the page stays."""
    link = next((item for item in _open_to(person) if item.key == "a"), None)
    if link is None or not any("balance" in context.frame for context in _contexts()):
        return None
    try:
        balance, pending = _offered("balance", person.id), _offered("pending", person.id) or 0
    except Exception as error:
        if not is_outage(error):
            raise
        return None
    if balance is None and not pending:
        return None  # no account yet: the area of the same name says it all
    return Chip(url_for(link.endpoint), balance, pending)


def _offered(name: str, person: UUID) -> int | None:
    for context in _contexts():
        if name in context.frame:
            value: int | None = context.frame[name](person)
            return value
    return None
