"""Questions that are asked at each page, in half the time."""

from typing import Any

from sqlalchemy import CursorResult, Select
from sqlalchemy.orm import Session


def columns(
    session: Session, statement: Select[*tuple[Any, ...]], **values: Any
) -> CursorResult[Any]:
    """Rows of a statement that asks for columns alone, past the ORM, which doubles its time."""
    session.flush()  # as the ORM would
    return session.connection().execute(statement, values)
