"""A toy letter box and an office for it, on the plant's database."""

from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ates.kernel import clock, db, ids, mail
from ates.kernel.errors import ConfigError
from ates.kernel.mail import Letter, LetterBox, LetterColumns, LetterState
from ates.kernel.types import Id
from tests.kernel.toy import Base


class Note(LetterColumns, Base):
    """A letter of the toy part."""

    __tablename__ = "toy_letter"
    __table_args__ = (mail.state_check(), mail.due_index("toy_letter"), db.STRICT)

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    address: Mapped[str | None] = mapped_column(Text)


def compose(session: Session, note: Note) -> Letter | None:
    if note.address == "broken@popug.example":
        raise ConfigError("this letter cannot be composed")
    if note.address is None:
        return None
    return Letter(note.address, "en", "toy.txt", {"id": note.id}, correlation_id="click-1")


def render(template: str, locale: str, values: Any) -> tuple[str, str]:
    return "Payment of the day", f"Dear popug,\n\nletter {values['id']} — 12,50 €.\n"


BOX = LetterBox("toy", Note, compose)


def write(app: Flask, *addresses: str | None) -> list[UUID]:
    """Letters that are due now, in order."""
    made = []
    with app.app_context(), db.transaction("toy") as session:
        for address in addresses:
            identity = ids.new()
            session.add(
                Note(
                    id=identity,
                    address=address,
                    message_id=f"<toy.{identity}@popug.example>",
                    state=LetterState.QUEUED,
                    made_at=clock.now(),
                    next_try_at=clock.now(),
                )
            )
            made.append(identity)
    return made


def rows(app: Flask) -> list[Note]:
    with app.app_context(), db.reading("toy") as session:
        return list(session.scalars(select(Note).order_by(Note.id)))


def states(app: Flask) -> list[str]:
    return [str(each.state) for each in rows(app)]
