"""The tables of analytics, and the rules a single row can keep by itself."""

from sqlalchemy.orm import DeclarativeBase

from ates.kernel import db


class Base(DeclarativeBase):
    metadata = db.metadata()
