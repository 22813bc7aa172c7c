"""Whether a request comes from this machine itself."""

from ipaddress import ip_address

from flask import request

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def at_this_machine() -> bool:
    """A request that came through a proxy is from elsewhere, whatever its last hop."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
