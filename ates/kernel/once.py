"""The same act twice is one act: the table that remembers a form's key with its answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, delete, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from ates.kernel import clock, db
from ates.kernel.errors import N_, Conflict
from ates.kernel.types import BigInt, Id, UTCDateTime

KEPT = timedelta(days=7)


class RequestColumns:
    """A part's `<part>_request` table: who sent which key, and what was answered."""

    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)  # of method, path and body without the CSRF field
    status: Mapped[int | None] = mapped_column(BigInt)
    location: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


@dataclass(frozen=True)
class Answer:
    """What the first act with this key answered."""

    status: int
    location: str | None
    body: str | None


def begin(
    session: Session, model: type[RequestColumns], *, person: UUID, key: str, digest: str
) -> Answer | None:
    """Claim the key inside the act's transaction, before anything else is done.

    None: the act is new, go on and call `finish`. An answer: it was done before; answer the same.
    A parallel twin waits here for the first one's commit. Raises Conflict for another content under
    the same key.
    """
    insert = sqlite_insert if db.is_sqlite(session) else pg_insert
    # RETURNING, not the count of rows: psycopg's is -1 for such a statement, which reads as "yes".
    claimed = session.execute(
        insert(model)
        .values(person_id=person, key=key, digest=digest, made_at=clock.now())
        .on_conflict_do_nothing()
        .returning(model.key)
    )
    if claimed.first() is not None:
        return None
    row = session.execute(
        select(model).where(model.person_id == person, model.key == key)
    ).scalar_one()
    if row.digest != digest:
        raise Conflict(N_("This form was already sent with another content. Open it again."))
    return Answer(row.status or 303, row.location, row.body)


def finish(
    session: Session,
    model: type[RequestColumns],
    *,
    person: UUID,
    key: str,
    answer: Answer,
) -> None:
    """Store the answer in the same transaction."""
    row = session.get_one(model, (person, key))
    row.status, row.location, row.body = answer.status, answer.location, answer.body


def forget_old(session: Session, model: type[RequestColumns]) -> None:
    """Drop keys older than a week."""
    session.execute(delete(model).where(model.made_at < clock.now() - KEPT))
