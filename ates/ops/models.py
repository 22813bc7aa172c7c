"""The tables of operations: the keys of its forms, and what the checks found."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.kernel import db
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt, Truth, UTCDateTime


class Base(DeclarativeBase):
    """Operations' own MetaData."""

    metadata = db.metadata()


class Request(RequestColumns, Base):
    """Keys of forms that were sent (kernel.once)."""

    __tablename__ = "ops_request"
    __table_args__ = (db.STRICT,)


class Check(Base):
    """What the last check of a part found, quick and full: `flask ops verify` writes it."""

    __tablename__ = "ops_check"
    __table_args__ = (CheckConstraint("kind IN ('quick', 'full')", name="kind"), db.STRICT)

    part: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ok: Mapped[bool] = mapped_column(Truth)
    differences: Mapped[int] = mapped_column(BigInt)
    first: Mapped[str | None] = mapped_column(Text)  # the first sentence, for the page
