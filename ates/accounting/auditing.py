"""The audit log of accounting: corrections, holds, exports, looks at other people's accounts."""

from ates.accounting.keyring import Books
from ates.accounting.models import Audit, AuditHead
from ates.kernel.audit import AuditLog, Record

__all__ = ["Record", "audit_of"]


def audit_of(books: Books) -> AuditLog:
    """The log, with the key of its chain: the first of the ring, since its rows name none."""
    first = min(books.keyring.keys)
    return AuditLog(Audit, AuditHead, books.keyring.sub_key(first, "audit"))
