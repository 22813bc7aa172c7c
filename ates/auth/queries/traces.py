"""Letters by the click they come from, for operators who follow it through the house."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.auth.models import Letter, Link
from ates.kernel.envelope import Meta
from ates.kernel.errors import N_
from ates.kernel.trace import TraceLine

SHOWN = 100
SENTENCES = {"invitation": N_("Letter of invitation"), "reset": N_("Letter to set a new password")}


def made(session: Session, events: Sequence[Meta], ids: Collection[str]) -> list[TraceLine]:
    """The letters written under these correlation ids. Neither name nor address is told."""
    if not ids:
        return []
    rows = session.execute(
        select(Letter, Link.kind)
        .join(Link, Link.id == Letter.link_id)
        .where(Letter.correlation_id.in_(ids))
        .order_by(Letter.made_at)
        .limit(SHOWN)
    )
    return [
        TraceLine(
            letter.made_at,
            SENTENCES[kind],
            correlation_id=letter.correlation_id,
            state=letter.state,
        )
        for letter, kind in rows
    ]
