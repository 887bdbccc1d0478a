"""Who may ask: one of a few bearer keys, on every route, mounted apps included; and links that open one document.

A link that a front-end shows is opened by a browser, which sends no key. It carries a signature instead, made with
the key, that opens the page of that one document and nothing else.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import error_response
from embeddings import InvalidInput

ACCESS_PARAM = "access"
_SIGNATURE_BYTES = 16
_DOCUMENT_PATH = re.compile(r"/documents/([^/]+)(?:/original)?")
_MISSING = "Send the key of this service in the header “Authorization: Bearer KEY”."
_MALFORMED = "The authorization header is malformed; its form is “Authorization: Bearer KEY”."
_WRONG = "The key is not one of this service's keys."


class RequireKey:
    """Refuses a request that has no key, before anything else of it is looked at."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str]) -> None:
        self._app = app
        self._keys = tuple(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        authorization = Headers(scope=scope).get("authorization")
        message, code, reason = _refusal(authorization)
        challenge = {"www-authenticate": f'Bearer realm="wenyuan"{reason}'}
        refused = error_response(401, message, code=code, headers=challenge, path=scope["path"])
        await refused(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        key = bearer_key(Headers(scope=scope).get("authorization"))
        if key is not None:
            return _is_one_of(key, self._keys)
        return scope["type"] == "http" and self._opens_document(scope)

    def _opens_document(self, scope: Scope) -> bool:
        document = _DOCUMENT_PATH.fullmatch(scope["path"])
        given = parse_qs(scope["query_string"].decode("latin-1")).get(ACCESS_PARAM)
        if document is None or not given or scope["method"] not in ("GET", "HEAD"):
            return False
        return _is_one_of(given[0], [sign_document(key, document[1]) for key in self._keys])


def bearer_key(authorization: str | None) -> str | None:
    """The key in an authorization header; None where it has another form or is missing."""
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def sign_document(key: str, document_id: str) -> str:
    """What opens the page of one document without the key."""
    digest = hmac.new(key.encode(), f"document:{document_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")


def check_exposure(host: str, keys: Sequence[str]) -> None:
    """Raises: InvalidInput where others could reach the service and no key is asked for."""
    if not keys and not _is_loopback(host):
        raise InvalidInput(
            f"Listening on {host} lets others in, so a key is needed: set WENYUAN_API_KEY, or listen on 127.0.0.1."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_one_of(given: str, secrets: Sequence[str]) -> bool:
    """Compares with every one of `secrets`, in a time that tells nothing about them."""
    # Headers are read as Latin-1; these are the bytes that were sent.
    digest = hashlib.sha256(given.encode("latin-1", "replace")).digest()
    matches = [hmac.compare_digest(digest, hashlib.sha256(secret.encode()).digest()) for secret in secrets]
    return any(matches)


def _refusal(authorization: str | None) -> tuple[str, str, str]:
    """Message, code and what the challenge adds."""
    if not authorization:
        return _MISSING, "malformed_authorization", ""
    if bearer_key(authorization) is None:
        return _MALFORMED, "malformed_authorization", ', error="invalid_request"'
    return _WRONG, "invalid_api_key", ', error="invalid_token"'
