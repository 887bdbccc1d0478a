"""What every request passes through, as plain ASGI."""

import logging
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import RequestError, error_response

_log = logging.getLogger(__name__)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestId:
    """Puts `x-request-id` on every response, the caller's own if it is safe to repeat, and answers what
    nothing else caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        is_started = False

        async def send_with_id(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            _log.exception("request %s failed", request_id)
            if is_started:
                raise
            message = f"Something went wrong here. The log has more under {request_id}."
            response = error_response(500, message, code="internal_error", path=scope["path"])
            await response(scope, receive, send_with_id)


class BodyLimit:
    """Refuses longer bodies: before reading where the length is announced, else while reading.

    Files, and what is sent to /documents, may be as long as `max_upload_bytes`.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_upload_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._limit(scope)
        announced = Headers(scope=scope).get("content-length", "")
        refusal = RequestError(413, f"The body is over {max_bytes:,} bytes.", code="too_large")
        if announced.isdecimal() and int(announced) > max_bytes:
            response = error_response(413, refusal.detail, code=refusal.code, path=scope["path"])
            await response(scope, receive, send)
            return
        read_bytes = 0

        async def receive_counted() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > max_bytes:
                raise refusal
            return message

        await self._app(scope, receive_counted, send)

    def _limit(self, scope: Scope) -> int:
        is_form = Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")
        is_document = scope["path"] == "/documents" or scope["path"].startswith("/documents/")
        return self._max_upload_bytes if is_form or is_document else self._max_bytes


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
