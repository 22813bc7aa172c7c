"""Looks at other people's accounts: the owner may ask who had one."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting.auditing import Record, audit_of
from ates.accounting.keyring import Books
from ates.accounting.models import Account


def record_visit(session: Session, books: Books, person: UUID, *, by: UUID) -> bool:
    """Note in the audit log that the account of `person` was read; gives whether it was noted.

    Neither the own account nor one that does not exist is a visit.
    """
    if person == by:
        return False
    account = session.scalar(select(Account.id).where(Account.person_id == person))
    if account is None:
        return False
    audit_of(books).write(session, Record("account.read", f"account {account}", actor=by))
    return True
