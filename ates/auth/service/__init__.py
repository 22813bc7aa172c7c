"""What can be done with people and sessions. Each function is one use case, session first."""

from ates.auth.service.entering import (
    Candidate,
    admit,
    change_password,
    enter,
    give_back,
    hash_of,
    leave,
    open_session,
    touch,
    wrong,
)
from ates.auth.service.links import invite, person_of_link, request_reset, use_link
from ates.auth.service.people import (
    activate,
    change_details,
    change_role,
    create_person,
    deactivate,
    end_sessions,
    set_locale,
    set_password,
    settle,
)

__all__ = [
    "Candidate",
    "activate",
    "admit",
    "change_details",
    "change_password",
    "change_role",
    "create_person",
    "deactivate",
    "end_sessions",
    "enter",
    "give_back",
    "hash_of",
    "invite",
    "leave",
    "open_session",
    "person_of_link",
    "request_reset",
    "set_locale",
    "set_password",
    "settle",
    "touch",
    "use_link",
    "wrong",
]
