"""The one table of rights: rule -> roles and level; each route names its rule by `@allow` (S8)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from flask import Flask, request

from ates.contracts.auth import Role
from ates.kernel.errors import N_, ConfigError, Forbidden, SignedOut
from ates.kernel.events import Cause, cause, set_cause
from ates.web import identity
from ates.web.again import patiently

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Rule:
    """Who may come in: these roles (none: everybody, signed in or not), proven to this level."""

    name: str
    roles: frozenset[Role] = frozenset()
    level: int = 1  # 1 a password, 2 a second factor

    def admits(self, person: identity.Person | None) -> bool:
        """Whether this person, or nobody, may come in."""
        if not self.roles:
            return True
        return person is not None and person.role in self.roles and person.level >= self.level


PUBLIC = Rule("public")
EVERYBODY = Rule("everybody", frozenset(Role))
SHUFFLERS = Rule("shufflers", frozenset({Role.MANAGER, Role.ADMIN}))
BOOKKEEPERS = Rule("bookkeepers", frozenset({Role.ACCOUNTANT, Role.ADMIN}))
ADMINS = Rule("admins", frozenset({Role.ADMIN}))

RULES = {rule.name: rule for rule in (PUBLIC, EVERYBODY, SHUFFLERS, BOOKKEEPERS, ADMINS)}

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_MARK = "ates_rule"
_EXEMPT = frozenset({"static"})  # files of the shell, the same for everybody


class ScopeTooSmall(Forbidden):
    """The role may, the API token may not."""


def allow(rule: Rule) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare who may use a view; stands right above the function, below the route.

    It also makes the view patient: after a deadlock or a lock time-out it is called again.
    """

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        patient = patiently(view)
        setattr(patient, _MARK, rule)
        return patient

    return declare


def check(app: Flask) -> None:
    """Refuse the start when a route has no rule. Called when all routes are there.

    Raises ConfigError naming the routes.
    """
    bare = sorted(
        f"{each.endpoint} ({each.rule})"
        for each in app.url_map.iter_rules()
        if each.endpoint not in _EXEMPT and rule_of(app, each.endpoint) is None
    )
    if bare:
        raise ConfigError(f"No access rule (@allow) for: {', '.join(bare)}.")


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """The rule of an endpoint; None if it is unknown or undeclared."""
    return rule_on(app.view_functions.get(endpoint))


def rule_on(view: object) -> Rule | None:
    """The rule that stands above a view."""
    found = getattr(view, _MARK, None)
    return found if isinstance(found, Rule) else None


def enforce(app: Flask) -> None:
    """Let the request pass or raise SignedOut or Forbidden. Runs before every view."""
    if request.endpoint is None or request.endpoint in _EXEMPT:
        return  # a 404 or 405, which Flask raises itself
    rule = rule_of(app, request.endpoint)
    if rule is PUBLIC:
        return
    person = identity.who()
    if person is None:
        raise SignedOut(N_("Please sign in."))
    if rule is None or not rule.admits(person):
        raise Forbidden(N_("This page is for other roles"))
    if person.scope != "write" and request.method not in SAFE:
        raise ScopeTooSmall(N_("This token may only read. Make one that may write."))
    set_cause(Cause(cause().correlation_id, actor=str(person.id)))  # events of this request say who


def init_app(app: Flask) -> None:
    """Install the check of rights before every view."""

    @app.before_request
    def check_rights() -> None:
        enforce(app)
