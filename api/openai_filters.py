"""OpenAI's filters, as the library's. Knows no HTTP."""

from collections.abc import Collection as Names
from typing import Any

from api.fields import filter_field
from embeddings import Filter, InvalidInput, parse_filters

_COMPARISONS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")
_MAX_DEPTH = 8


def read_openai_filter(value: object, attribute_names: Names[str]) -> Filter | None:
    """Raises: InvalidInput: a type or a key that there is not, or a value of the wrong kind."""
    return parse_filters(_translated(value, attribute_names, 0))


def _translated(value: object, attribute_names: Names[str], depth: int) -> dict[str, Any]:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        raise InvalidInput(
            "A filter is an object {type, key, value} or {type, filters}, nested a few levels deep."
        )
    kind = value.get("type")
    if kind in ("and", "or"):
        filters = value.get("filters")
        if not isinstance(filters, list) or not filters:
            raise InvalidInput(f"A filter of type “{kind}” needs “filters”, a list that is not empty.")
        return {kind: [_translated(inner, attribute_names, depth + 1) for inner in filters]}
    if kind not in _COMPARISONS:
        known = ", ".join((*_COMPARISONS, "and", "or"))
        raise InvalidInput(f"The filter type “{str(kind)[:80]}” is not supported; there is {known}.")
    if "value" not in value:
        raise InvalidInput("The filter has no “value”.")
    return {filter_field(value.get("key"), attribute_names): {kind: value["value"]}}
