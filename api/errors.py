"""Everything that goes wrong, as one body: `{"error": {"message", "type", "param", "code"}}`, or as the dialect has it."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.dialects import error_body
from api.library import Loading
from api.rendering import to_json
from api.schemas import ErrorBody
from embeddings import (
    CollectionNotFound,
    Conflict,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedFormat,
    WenyuanError,
)

_log = logging.getLogger(__name__)

# The first class that fits decides.
_STATUS: tuple[tuple[type[WenyuanError], int], ...] = (
    (TooLarge, 413),
    (UnsupportedFormat, 415),
    (InvalidInput, 400),
    (NotFound, 404),
    (Conflict, 409),
    (Unavailable, 503),
)
_MEANINGS = {
    400: "The request is wrong; `param` names the field.",
    401: "No key, or a wrong one.",
    404: "There is no such collection, document or address.",
    405: "The address does not take this method.",
    409: "It stands against what is there already, such as one of the same name.",
    413: "Longer than is read.",
    415: "The body is not sent as JSON, or a file is of no format that is read.",
    503: "Still loading, or the storage cannot be used.",
}
_MAX_NAME_CHARS = 80


class RequestError(HTTPException):
    """A request that is refused; `param` is the field at fault."""

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(status, message)
        self.code = code
        self.param = param


@contextmanager
def blaming(param: str) -> Iterator[None]:
    """Let invalid input that is found inside be told as the fault of the field `param`, whatever its kind."""
    try:
        yield
    except InvalidInput as error:
        raise RequestError(400, str(error), code=error.code, param=param) from error


def error_response(
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    path: str = "",
) -> Response:
    """An error in the words of the dialect spoken at `path`."""
    body = error_body(path, status, message, code=code, param=param)
    return Response(to_json(body), status, headers, media_type="application/json")


def describe_error(error: WenyuanError) -> dict[str, Any]:
    """What the body of an error would say of `error`, for one part of a reply."""
    kind = "invalid_request_error" if _status(error) < 500 else "server_error"
    return {"message": str(error), "type": kind, "param": None, "code": error.code}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the description of the API: the error body under each of `statuses`, and under any other."""
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in statuses
    }
    return {**described, "default": {"model": ErrorBody, "description": "Any other error."}}


def install_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(WenyuanError, _answer_domain)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, RequestError):
        return _answer(request, error.status_code, error.detail, code=error.code, param=error.param)
    message, code = {
        400: ("The body is not JSON.", "invalid_json"),
        404: (f"There is nothing at {_named(request.url.path)}.", "route_not_found"),
        405: (f"{_named(request.url.path)} does not take {request.method}.", "method_not_allowed"),
    }.get(error.status_code, (error.detail, "http_error"))
    return _answer(request, error.status_code, message, code=code, headers=error.headers)


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    kind, path = first["type"], first["loc"][1:]
    if kind == "json_invalid":
        message = f"The body is not JSON: {first['ctx']['error']} (character {path[0]})."
        return _answer(request, 400, message, code="invalid_json")
    if not path and kind != "missing" and "json" not in request.headers.get("content-type", ""):
        message = "Send the body as JSON, with the header “content-type: application/json”."
        return _answer(request, 415, message, code="unsupported_media_type")
    param = ".".join(str(part) for part in path)[: 2 * _MAX_NAME_CHARS] or None
    where = _named(param) if param else "The body"
    reasons = {
        "missing": "is missing",
        "extra_forbidden": "is not known here; check its spelling or leave it out",
        "string_unicode": "holds half of a surrogate pair, which is no character",
        "model_attributes_type": "is JSON, but not an object",
    }
    reason = reasons.get(kind, f"is refused: {first['msg']}")
    return _answer(request, 400, f"{where} {reason}.", code="invalid_input", param=param)


async def _answer_domain(request: Request, error: Exception) -> Response:
    assert isinstance(error, WenyuanError)
    status = _status(error)
    if not isinstance(error, Loading) and status >= 500:
        _log.warning("%s: %s", error.code, error)
    headers = {"retry-after": "1"} if status == 503 else None
    param = "collection" if isinstance(error, CollectionNotFound) else None
    return _answer(request, status, str(error), code=error.code, param=param, headers=headers)


def _answer(
    request: Request,
    status: int,
    message: str,
    *,
    code: str,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    path = request.scope["path"]
    return error_response(status, message, code=code, param=param, headers=headers, path=path)


async def _answer_nobody(_: Request, __: Exception) -> Response:
    """The client has gone; this is for the log of a proxy in between."""
    return Response(status_code=499)


def _status(error: WenyuanError) -> int:
    return next((status for known, status in _STATUS if isinstance(error, known)), 500)


def _named(name: str) -> str:
    return f"“{name[:_MAX_NAME_CHARS]}”"
