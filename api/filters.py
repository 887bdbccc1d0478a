"""Conditions on what is known of a document, and searching under them. Knows no HTTP.

What cannot be evaluated is refused: leaving a condition out would be a wrong answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from embeddings import MAX_TOP_K, Collection, Hit, InvalidInput, Source

Attribute = str | float | bool
Attributes = dict[str, Attribute]
Condition = Callable[[Attributes], bool]

_FIELDS = ("document_id", "title", "filename", "issuer", "speaker", "date", "doc_number", "page", "paragraph")
_MAX_VALUE_CHARS = 512
_MAX_DEPTH = 8
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


def attributes_of(source: Source) -> Attributes:
    """What conditions are about; a field that is not known of the document is not there."""
    values = {name: getattr(source, name) for name in _FIELDS}
    return {
        name: value[:_MAX_VALUE_CHARS] if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }


def check_field(name: object) -> str:
    """Raises: InvalidInput where there is no such field."""
    if name not in _FIELDS:
        raise InvalidInput(
            f"There is no field “{str(name)[:80]}” to filter by; there is {', '.join(_FIELDS)}."
        )
    return str(name)


def search_where(
    collection: Collection,
    query: str,
    *,
    top_k: int,
    min_score: float | None,
    condition: Condition | None,
) -> list[Hit]:
    """The best `top_k` hits that `condition` holds for, among the first `MAX_TOP_K`."""
    if condition is None:
        return collection.search(query, top_k=top_k, min_score=min_score)
    hits = collection.search(query, top_k=MAX_TOP_K, min_score=min_score)
    kept = [hit for hit in hits if condition(attributes_of(hit.source))][:top_k]
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]


def read_openai_filter(value: object, *, depth: int = 0) -> Condition:
    """OpenAI's filter shape as a condition. Raises: InvalidInput."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        raise InvalidInput(
            "A filter is an object {type, key, value} or {type, filters}, nested a few levels deep."
        )
    kind = value.get("type")
    if kind in ("and", "or"):
        return _read_compound(value, depth)
    if kind not in (*_COMPARISONS, "eq", "ne", "in", "nin"):
        known = "eq, ne, gt, gte, lt, lte, in, nin, and, or"
        raise InvalidInput(f"The filter type “{str(kind)[:80]}” is not supported; there is {known}.")
    if "value" not in value:
        raise InvalidInput("The filter has no “value”.")
    return _read_comparison(kind, check_field(value.get("key")), value["value"])


def _read_compound(value: dict[str, Any], depth: int) -> Condition:
    filters = value.get("filters")
    if not isinstance(filters, list) or not filters:
        raise InvalidInput(f"A filter of type “{value['type']}” needs “filters”, a list that is not empty.")
    conditions = [read_openai_filter(inner, depth=depth + 1) for inner in filters]
    return all_of(conditions) if value["type"] == "and" else any_of(conditions)


def _read_comparison(kind: str, key: str, wanted: Any) -> Condition:
    if kind in ("in", "nin"):
        if not isinstance(wanted, list):
            raise InvalidInput(f"The value of a filter of type “{kind}” is a list.")
        return lambda attributes: (attributes.get(key) in wanted) == (kind == "in")
    if isinstance(wanted, list | dict) or wanted is None:
        raise InvalidInput(f"The value of a filter of type “{kind}” is a string, a number or a boolean.")
    if kind in ("eq", "ne"):
        return lambda attributes: (attributes.get(key) == wanted) == (kind == "eq")
    compare = _COMPARISONS[kind]
    if isinstance(wanted, bool):
        raise InvalidInput(f"“{kind}” compares numbers or texts, not booleans.")
    return lambda attributes: (
        _are_comparable(attributes.get(key), wanted) and compare(attributes[key], wanted)
    )


def all_of(conditions: Sequence[Condition]) -> Condition:
    return lambda attributes: all(condition(attributes) for condition in conditions)


def any_of(conditions: Sequence[Condition]) -> Condition:
    return lambda attributes: any(condition(attributes) for condition in conditions)


def _are_comparable(held: object, wanted: object) -> bool:
    if isinstance(held, str):
        return isinstance(wanted, str)
    return isinstance(held, int | float) and isinstance(wanted, int | float)
