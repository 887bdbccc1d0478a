"""How each dialect words an error. Which dialect is spoken is decided by the path alone."""

from typing import Any

Json = dict[str, Any]

# What Dify's documentation numbers; everything else keeps its HTTP status.
_DIFY_CODES = {"malformed_authorization": 1001, "invalid_api_key": 1002, "collection_not_found": 2001}
_JSON_RPC_INVALID_REQUEST = -32600
_JSON_RPC_INTERNAL_ERROR = -32603


def error_body(path: str, status: int, message: str, *, code: str, param: str | None) -> Json:
    """The body of an error on `path`, in the words of the dialect that is spoken there."""
    if _is_under(path, "/dify"):
        return {"error_code": _DIFY_CODES.get(code, status), "error_msg": message}
    if _is_under(path, "/mcp"):
        number = _JSON_RPC_INVALID_REQUEST if status < 500 else _JSON_RPC_INTERNAL_ERROR
        return {"jsonrpc": "2.0", "id": None, "error": {"code": number, "message": message}}
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
