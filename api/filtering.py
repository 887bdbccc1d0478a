"""Filters as requests give them, to the library's."""

import json
from collections.abc import Mapping
from typing import Any

from api.errors import RequestError
from embeddings import Filter, InvalidFilter, parse_filters


def read_filters(filters: Mapping[str, Any] | None) -> Filter | None:
    """Raises: RequestError: 400 that names the field or the operator."""
    try:
        return parse_filters(filters or {})
    except InvalidFilter as error:
        param = f"filters.{error.path}"[:160] if error.path else "filters"
        raise RequestError(400, str(error), code=error.code, param=param) from error


def read_filters_json(encoded: str | None) -> Filter | None:
    """As `read_filters`, from the JSON of a query string."""
    if not encoded:
        return None
    try:
        filters = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "“filters” is not JSON.", code="invalid_filter", param="filters") from error
    if not isinstance(filters, dict):
        raise RequestError(400, "“filters” must be an object.", code="invalid_filter", param="filters")
    return read_filters(filters)
