"""Refusals and faults as `application/problem+json` (RFC 9457): the same sentences as on pages."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

import msgspec
from flask import Response, current_app, request
from msgspec import Meta, Struct

MEDIA = "application/problem+json"
PREFIX = "/api/"
DESCRIPTION = "description"  # the blueprint of the API's own pages, which people read


class Fault(Struct):
    """One field that does not fit."""

    pointer: Annotated[str, Meta(examples=["/title"], description="JSON pointer of the field.")]
    detail: Annotated[str, Meta(examples=["Write what has to be done"])]


class Problem(Struct, omit_defaults=True):
    """An error (RFC 9457)."""

    type: Annotated[str, Meta(examples=["about:blank"])]
    title: Annotated[str, Meta(examples=["Conflict"], description="The status in words.")]
    status: Annotated[int, Meta(examples=[409])]
    detail: Annotated[str, Meta(examples=["Somebody was faster"])]
    instance: Annotated[
        str,
        Meta(
            examples=["urn:uuid:0199d0a4-8c1e-7b8e-b6f8-3b1f6f1f2a11"],
            description="The number of this request.",
        ),
    ]
    errors: list[Fault] = []


def asked() -> bool:
    """Whether the request in hand is one to the API: no cookie counts, refusals are problems."""
    return request.path.startswith(PREFIX) and request.blueprint != DESCRIPTION


def problem(
    status: int,
    detail: str,
    request_id: str,
    *,
    headers: Mapping[str, str],
    faults: Sequence[tuple[str, str]] = (),
) -> Response:
    """The answer for a refusal or fault."""
    found = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=f"urn:uuid:{request_id}",
        errors=[Fault(*each) for each in faults],
    )
    response = current_app.response_class(msgspec.json.encode(found), status, mimetype=MEDIA)
    response.headers.update(headers)
    return response


def challenge(error: str = "") -> dict[str, str]:
    """How to sign in (RFC 6750); `error` says what was wrong with the token that came."""
    return {"WWW-Authenticate": f'Bearer realm="aTES"{error and f", {error}"}'}
