"""Operations: one declaration that routes, checks what comes in, encodes what goes out, and is told
in the description of the API."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, current_app, request

from ates.web.api import reading
from ates.web.api.cursors import Listed
from ates.web.api.reading import Nothing

V = TypeVar("V", bound=Callable[..., Any])

ROOT = "/api/v1"
BODY_PROBLEMS = (400, 413, 415, 422)


@dataclass(frozen=True)
class Answer:
    """What a view answers where a bare value with the declared status is not enough."""

    body: Any
    status: int = 200
    location: str | None = None


@dataclass(frozen=True)
class Operation:
    """One row of the API."""

    method: str
    path: str  # Flask's rule, from the root of the API
    view: Callable[..., Any]
    answers: Mapping[int, Any]  # status -> type of the body
    body: Any = None
    query: Any = None
    refuses: frozenset[int] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: `/tasks/{id}`."""
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.path)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Names and converters of the variable parts of the path."""
        return [
            (name, kind or "string") for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", self.path)
        ]


class Api(Blueprint):
    """The endpoints of one part under `/api/v1/<part>`.

    A view stands below `@allow(RULE)`, takes the parts of its path, and `query` and `body` where
    they are declared, and returns a value of the declared type or an `Answer`. Refusals are raised.
    """

    def __init__(self, part: str) -> None:
        super().__init__(f"{part}_api", __name__, url_prefix=f"{ROOT}/{part}")
        self.part = part
        self.operations: list[Operation] = []

    def reads(
        self,
        path: str,
        answer: Any,
        *,
        query: Any = None,
        refuses: tuple[int, ...] = (),
    ) -> Callable[[V], V]:
        """Declare a GET of one thing."""
        return self._operation("GET", path, {200: answer}, query=query, refuses=refuses)

    def lists(
        self, path: str, item: Any, *, query: Any, refuses: tuple[int, ...] = ()
    ) -> Callable[[V], V]:
        """Declare a GET of a list in pages; `query` is a `Page`."""
        answer = {200: Listed[item]}
        return self._operation("GET", path, answer, query=query, refuses=(400, *refuses))

    def acts(
        self,
        path: str,
        answers: Mapping[int, Any],
        *,
        body: Any = Nothing,
        refuses: tuple[int, ...] = (),
        method: str = "POST",
    ) -> Callable[[V], V]:
        """Declare an act: a POST, done through `once`, or a PATCH."""
        return self._operation(method, path, answers, body=body, refuses=refuses)

    def _operation(
        self,
        method: str,
        path: str,
        answers: Mapping[int, Any],
        *,
        body: Any = None,
        query: Any = None,
        refuses: tuple[int, ...] = (),
    ) -> Callable[[V], V]:
        known = set(refuses) | {401, 503}
        known |= {422} if query is not None else set()
        known |= set(BODY_PROBLEMS) if body is not None else set()
        known |= {404} if "<" in path else set()
        known |= {409} if method == "POST" else set()  # the same key with another body

        def declare(view: V) -> V:
            operation = Operation(
                method=method,
                path=f"/{self.part}{path}",
                view=view,
                answers=answers,
                body=body,
                query=query,
                refuses=frozenset(known),
            )
            self.operations.append(operation)
            self.add_url_rule(
                path, view.__name__, _served(operation), methods=[method], strict_slashes=False
            )
            return view

        return declare


def _served(operation: Operation) -> Callable[..., Response]:
    """The view behind the checks: everything that came is read and judged before it runs."""

    @wraps(operation.view)  # takes the rule of @allow along
    def serve(**values: Any) -> Response:
        if operation.query is not None:
            values["query"] = reading.query(operation.query)
        if operation.body is not None:
            given = reading.body(operation.body)
            if operation.body is not Nothing:
                values["body"] = given
        answer = operation.view(**values)
        if not isinstance(answer, Answer):
            answer = Answer(answer, next(iter(operation.answers)))
        return _said(answer)

    return serve


def _said(answer: Answer) -> Response:
    response = current_app.response_class(
        msgspec.json.encode(answer.body), answer.status, mimetype=reading.JSON
    )
    if answer.location is not None:
        response.headers["Location"] = answer.location
        response.autocorrect_location_header = False
    if request.method == "GET":
        response.add_etag()
        response.make_conditional(request)
    return response
