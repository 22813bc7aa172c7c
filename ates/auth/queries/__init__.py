"""What pages, programs and commands read of people, sessions and tokens: plain frozen rows."""

from ates.auth.queries.people import (
    People,
    PersonRow,
    is_only_admin,
    newest_people,
    password_hash_of,
    people,
    person,
    person_by_email,
)
from ates.auth.queries.proofs import (
    Bearing,
    Found,
    SessionRow,
    TokenRow,
    Tokens,
    session_of,
    sessions_of,
    token,
    token_of,
    tokens_of,
)

__all__ = [
    "Bearing",
    "Found",
    "People",
    "PersonRow",
    "SessionRow",
    "TokenRow",
    "Tokens",
    "is_only_admin",
    "newest_people",
    "password_hash_of",
    "people",
    "person",
    "person_by_email",
    "session_of",
    "sessions_of",
    "token",
    "token_of",
    "tokens_of",
]
