"""How templates are drawn: the same HTML for less work, through the hooks that Jinja offers.

A list calls macros and formats a thousand times and escapes as much. Jinja asks each time what a
function wants to be given, and makes Markup of Markup twice: a fifth of the time a page takes.
"""

from types import FunctionType
from typing import Any

from flask import Flask, g, url_for
from flask.templating import Environment
from jinja2 import nodes, runtime
from jinja2.compiler import CodeGenerator, Frame
from jinja2.utils import internalcode
from markupsafe import Markup, escape

MARK = 7_777_777_777_777  # a number that nothing has


class Context(runtime.Context):
    """Calls macros and plain functions at once; Jinja sees to everything else."""

    @internalcode
    def call(__self, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as Jinja has it
        kind = type(__obj)
        if kind is runtime.Macro:
            args = (__self.eval_ctx, *args)
        elif kind is not FunctionType or "jinja_pass_arg" in __obj.__dict__:
            return super().call(__obj, *args, **kwargs)
        if kwargs:  # what only functions that are given the context could see
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        return __obj(*args, **kwargs)


class Code(CodeGenerator):
    """Escapes by `escaped`, which leaves alone what needs no escaping."""

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.escaped(")


class Templates(Environment):
    """Flask's environment with both."""

    context_class = Context
    code_generator_class = Code

    @staticmethod
    def escaped(value: Any) -> object:
        """A text that may stand in HTML."""
        kind = type(value)
        if kind is Markup:
            return value
        return str(value) if kind is int else escape(value)


def numbered(endpoint: str, number: int, **values: Any) -> str:
    """`url_for` of one of many things with a `number`, worked out once a page: a list asks for
    fifty addresses, of 30 µs each."""
    known: dict[Any, list[str]] = g.setdefault("addresses", {})
    asked = (endpoint, *values.items())
    around = known.get(asked)
    if around is None:
        around = known[asked] = url_for(endpoint, number=MARK, **values).split(str(MARK))
    before, after = around
    return f"{before}{number}{after}"


def init_app(app: Flask) -> None:
    """Draw so. Comes before anything that touches the templates."""
    app.jinja_environment = Templates
