"""The addresses of two thousand applications, all alike."""

from typing import Any

from werkzeug.routing.rules import Rule

_made: dict[Any, Any] = {}


def compile_once() -> None:
    """Werkzeug compiles two functions for each address of each application, which is most of what
    an application costs. They speak of nothing but the rule, so that all applications share them.
    """
    compiled = Rule._compile_builder

    def remembered(self: Rule, append_unknown: bool = True) -> Any:
        key = (tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in _made:
            _made[key] = compiled(self, append_unknown)
        return _made[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]
