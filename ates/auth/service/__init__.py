"""What can be done with people and sessions. Each function is one use case, session first."""

from ates.auth.service.entering import admit, enter, give_back, leave, touch
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
)

__all__ = [
    "activate",
    "admit",
    "change_details",
    "change_role",
    "create_person",
    "deactivate",
    "end_sessions",
    "enter",
    "give_back",
    "invite",
    "leave",
    "person_of_link",
    "request_reset",
    "set_locale",
    "set_password",
    "touch",
    "use_link",
]
