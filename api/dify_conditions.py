"""Dify's metadata conditions, as the library's filters. Knows no HTTP."""

import re
from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from typing import Any

from api.fields import filter_field, is_attribute_field
from embeddings import Attribute, Filter, InvalidInput, is_attribute, parse_filters

_TEXT = {
    "contains": "contains",
    "not contains": "not_contains",
    "start with": "starts_with",
    "end with": "ends_with",
}
_EQUAL = {"is": "in", "is not": "nin", "in": "in", "not in": "nin"}
_NUMBERS = {"=": "eq", "≠": "ne", ">": "gt", "<": "lt", "≥": "gte", "≤": "lte"}
_DATES = {"before": "lt", "after": "gt"}
_EMPTY = ("empty", "not empty")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")

Json = dict[str, Any]


def read_conditions(
    conditions: Sequence[Mapping[str, Any]], attribute_names: Names[str], *, is_any_enough: bool
) -> Filter | None:
    """Raises: InvalidInput: an operator or a name that there is not, or a value that it cannot compare."""
    if not conditions:
        return None
    translated = [_translated(condition, attribute_names) for condition in conditions]
    return parse_filters({"or" if is_any_enough else "and": translated})


def _translated(condition: Mapping[str, Any], attribute_names: Names[str]) -> Json:
    field = filter_field(condition.get("name"), attribute_names)
    operator, wanted = condition.get("comparison_operator"), condition.get("value")
    if operator in _EMPTY:
        return _emptiness(field, is_empty=operator == "empty")
    for operators, read in ((_TEXT, _text), (_EQUAL, _equals), (_NUMBERS, _number), (_DATES, _date)):
        if isinstance(operator, str) and operator in operators:
            return {field: {operators[operator]: read(field, operator, wanted)}}
    known = ", ".join([*_TEXT, *_EQUAL, *_EMPTY, *_NUMBERS, *_DATES])
    raise InvalidInput(f"The operator “{str(operator)[:80]}” is not supported; there is {known}.")


def _emptiness(field: str, *, is_empty: bool) -> Json:
    there: Json = {field: {"exists": True}}
    if is_attribute_field(field):
        there = {field: {"exists": True, "ne": ""}}
    return {"not": there} if is_empty else there


def _text(_: str, operator: str, wanted: object) -> str:
    return str(_single(operator, wanted))


def _equals(field: str, operator: str, wanted: object) -> list[Attribute]:
    if operator in ("in", "not in"):
        listed = wanted if isinstance(wanted, list) else str(_single(operator, wanted)).split(",")
    else:
        listed = [_single(operator, wanted)]
    texts = [str(value).strip() for value in listed]
    if field == "date":
        return [_day(text) or text for text in texts]
    return [kind for text in texts for kind in _kinds(text)] if is_attribute_field(field) else [*texts]


def _kinds(text: str) -> list[Attribute]:
    """Dify sends numbers and truths as texts too: whichever of them the attribute is, it is meant."""
    kinds: list[Attribute] = [text]
    if text.lower() in ("true", "false"):
        kinds.append(text.lower() == "true")
    number = _as_number(text)
    return kinds if number is None else [*kinds, number]


def _number(field: str, operator: str, wanted: object) -> Attribute:
    value = _single(operator, wanted)
    if field == "date":
        return _day(str(value)) or str(value)
    number = _as_number(value)
    if number is None or not is_attribute_field(field):
        raise InvalidInput(
            f"“{operator}” compares numbers and dates, not “{field}” and the value “{str(value)[:80]}”."
        )
    return number


def _date(field: str, operator: str, wanted: object) -> Attribute:
    """Dates are compared as ISO 8601; in an attribute they may be numbers, as those of Dify's own are."""
    value = _single(operator, wanted)
    day, number = _day(str(value)), _as_number(value)
    if day is not None and (field == "date" or is_attribute_field(field)):
        return day
    if number is None or not is_attribute_field(field):
        raise InvalidInput(
            f"“{operator}” compares dates such as 2021-12-02, not “{field}” and the value “{str(value)[:80]}”."
        )
    return number


def _single(operator: str, wanted: object) -> object:
    if isinstance(wanted, list) and len(wanted) == 1:
        (wanted,) = wanted
    if wanted is None or isinstance(wanted, list | dict):
        raise InvalidInput(f"“{operator}” cannot be used with the value “{str(wanted)[:80]}”.")
    return wanted


def _as_number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if is_attribute(number) else None


def _day(text: str) -> str | None:
    found = _DAY.fullmatch(text.strip())
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else None
