"""Filters as SQL: conditions on a row of documents, with their parameters."""

import json
from collections.abc import Sequence

from embeddings.attributes import Attribute
from embeddings.filters import ATTRIBUTE_PREFIX, AllOf, Condition, Filter, Not

_COMPARISONS = {"gt": "value > ?", "gte": "value >= ?", "lt": "value < ?", "lte": "value <= ?"}
_AFTER_ALL = "\U0010ffff"

Sql = tuple[str, list[Attribute]]


def sql_of(filter: Filter) -> Sql:
    if isinstance(filter, Not):
        where, parameters = sql_of(filter.filter)
        return f"NOT ({where})", parameters
    if isinstance(filter, Condition):
        return _condition(filter)
    parts = [sql_of(part) for part in filter.filters]
    if isinstance(filter, AllOf):
        return _joined(parts, "AND") if parts else ("TRUE", [])
    return _joined(parts, "OR") if parts else ("FALSE", [])


def kind_of(value: Attribute) -> str:
    """In the index of attributes true is no 1, and 1 no "1"."""
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def _joined(parts: Sequence[Sql], operator: str) -> Sql:
    """By halves: SQLite takes expressions no deeper than a thousand."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    one, other = _joined(parts[:middle], operator), _joined(parts[middle:], operator)
    return f"({one[0]}) {operator} ({other[0]})", [*one[1], *other[1]]


def _condition(condition: Condition) -> Sql:
    compared, values = _compared(condition)
    if not condition.field.startswith(ATTRIBUTE_PREFIX):
        where = f"position IN (SELECT document FROM facts WHERE field = ? AND {compared})"
        return where, [condition.field, *values]
    name = condition.field.removeprefix(ATTRIBUTE_PREFIX)
    if not condition.values:
        return f"position IN (SELECT document FROM attributes WHERE name = ? AND {compared})", [name, *values]
    where = f"position IN (SELECT document FROM attributes WHERE name = ? AND kind = ? AND {compared})"
    return where, [name, kind_of(condition.values[0]), *values]


def _compared(condition: Condition) -> Sql:
    values = list(condition.values)
    if condition.operator == "in":
        return "value IN (SELECT value FROM json_each(?))", [json.dumps(values)]
    if condition.operator == "exists":
        return "TRUE", []
    (value,) = values
    if condition.operator == "starts_with":
        return "value >= ? AND value < ?", [value, f"{value}{_AFTER_ALL}"]
    if condition.operator == "contains":
        return "instr(value, ?) > 0", [value]
    if condition.operator == "ends_with":
        return "substr(value, -length(?)) = ?", [value, value]
    return _COMPARISONS[condition.operator], [value]
