"""What all tables of accounting share."""

from typing import Any

from sqlalchemy.orm import DeclarativeBase

from ates.kernel import db

# Rows that change in place leave room on their page, so that PostgreSQL touches no index.
ROOMY: dict[str, Any] = {**db.STRICT, "postgresql_with": {"fillfactor": 80}}


class Base(DeclarativeBase):
    metadata = db.metadata()
