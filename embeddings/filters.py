"""Which documents a question is asked of: conditions on what they say of themselves.

As JSON: `{"issuer": "市政府", "kind": ["通知", "意见"], "date": {"gte": "2021", "lte": "2023-06"}}` holds where all of
it holds; `{"or": [{…}, {…}]}`, `{"and": […]}` and `{"not": {…}}` combine. `attributes.NAME` is what callers say of
a document: its texts are compared letter by letter, its numbers as numbers, and no kind equals another.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from embeddings.attributes import Attribute, is_attribute, is_attribute_name
from embeddings.errors import InvalidFilter
from embeddings.terms import fold

FILTER_FIELDS = (
    "title",
    "doc_number",
    "issuer",
    "recipient",
    "kind",
    "speaker",
    "meeting",
    "date",
    "filename",
    "document_id",
)
ATTRIBUTE_PREFIX = "attributes."
Operator = Literal["in", "gt", "gte", "lt", "lte", "contains", "starts_with", "ends_with", "exists"]

_NEGATED = {"ne": "eq", "nin": "in", "not_contains": "contains"}
_ONE_VALUE = ("eq", "gt", "gte", "lt", "lte", "contains", "starts_with", "ends_with")
_OPERATORS = (*_ONE_VALUE, "in", "exists", *_NEGATED)
_ORDERED = ("gt", "gte", "lt", "lte")
_OF_TEXT = ("contains", "starts_with", "ends_with")
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_MAX_DEPTH = 8
_MAX_CONDITIONS = 200
_MAX_VALUES = 1_000
_MAX_VALUES_IN_ALL = 10_000
_BRACKETS = str.maketrans("[]()【】{}", "〔〕〔〕〔〕〔〕")


@dataclass(frozen=True, slots=True)
class Condition:
    """A field compared. `values` are of one kind; with `exists` there are none. But for attributes they are texts,
    spelled as `spell` does."""

    field: str
    operator: Operator
    values: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    filter: "Filter"


Filter = Condition | AllOf | AnyOf | Not


def parse_filters(filters: Mapping[str, Any]) -> Filter | None:
    """The filter that a JSON object says; None for an empty one.

    Raises: InvalidFilter: a field or an operator that there is not, or a value of the wrong kind; it is named.
    """
    if not filters:
        return None
    parser = _Parser()
    return parser.all_of(filters, "", 0)


def spell(field: str, value: str) -> str:
    """`value` in the one spelling in which values of `field` are compared."""
    folded = fold(value)
    if field == "doc_number":
        return "".join(folded.translate(_BRACKETS).split())
    return " ".join(folded.split())


class _Parser:
    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def all_of(self, filters: object, path: str, depth: int) -> Filter:
        if not isinstance(filters, Mapping):
            raise InvalidFilter(f"“{path}” must be an object of conditions.", path)
        if depth > _MAX_DEPTH:
            raise InvalidFilter(f"The filter is nested over {_MAX_DEPTH} deep.", path)
        parts = tuple(
            self._named(str(name), wanted, f"{path}.{name}".lstrip("."), depth)
            for name, wanted in filters.items()
        )
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _named(self, name: str, wanted: object, path: str, depth: int) -> Filter:
        combine: dict[str, Callable[[tuple[Filter, ...]], Filter]] = {"and": AllOf, "or": AnyOf}
        if name in combine:
            if not isinstance(wanted, list) or not wanted:
                raise InvalidFilter(f"“{path}” must be a list of filters.", path)
            return combine[name](
                tuple(self.all_of(one, f"{path}.{i}", depth + 1) for i, one in enumerate(wanted))
            )
        if name == "not":
            return Not(self.all_of(wanted, path, depth + 1))
        if name not in FILTER_FIELDS and not _is_attribute_field(name):
            raise InvalidFilter(
                f"There is no field “{name[:80]}” to filter on; there are {', '.join(FILTER_FIELDS)},"
                f" “{ATTRIBUTE_PREFIX}” with the name of an attribute, and “and”, “or”, “not” to combine.",
                path,
            )
        if isinstance(wanted, Mapping):
            parts = tuple(self._compared(name, str(key), wanted[key], f"{path}.{key}") for key in wanted)
            if not parts:
                raise InvalidFilter(f"“{path}” holds no condition.", path)
            return parts[0] if len(parts) == 1 else AllOf(parts)
        return self._compared(name, "in" if isinstance(wanted, list) else "eq", wanted, path)

    def _compared(self, field: str, operator: str, wanted: object, path: str) -> Filter:
        self._conditions += 1
        if self._conditions > _MAX_CONDITIONS:
            raise InvalidFilter(f"The filter has over {_MAX_CONDITIONS} conditions.", path)
        if operator not in _OPERATORS:
            raise InvalidFilter(
                f"There is no operator “{operator[:80]}”; there are {', '.join(_OPERATORS)}.", path
            )
        if operator in _NEGATED:
            return Not(self._compared(field, _NEGATED[operator], wanted, path))
        if operator == "exists":
            if not isinstance(wanted, bool):
                raise InvalidFilter(f"“{path}” must be true or false.", path)
            there = Condition(field, "exists", ())
            return there if wanted else Not(there)
        listed = self._listed(operator, wanted, path)
        if _is_attribute_field(field):
            return _attributes(field, operator, listed, path)
        if operator in _OF_TEXT:
            return Condition(field, operator, (_text(field, listed[0], path),))  # type: ignore[arg-type]
        values = tuple(_value(field, one, path) for one in listed)
        if field == "date":
            return _dates(operator, values)
        compared: Any = "in" if operator == "eq" else operator
        return Condition(field, compared, values)

    def _listed(self, operator: str, wanted: object, path: str) -> list[object]:
        if operator != "in":
            return [wanted]
        if not isinstance(wanted, list) or len(wanted) > _MAX_VALUES:
            raise InvalidFilter(f"“{path}” must be a list of at most {_MAX_VALUES:,} values.", path)
        self._values += len(wanted)
        if self._values > _MAX_VALUES_IN_ALL:
            raise InvalidFilter(f"The lists of the filter hold over {_MAX_VALUES_IN_ALL:,} values.", path)
        return wanted


def _is_attribute_field(field: str) -> bool:
    return field.startswith(ATTRIBUTE_PREFIX) and is_attribute_name(field.removeprefix(ATTRIBUTE_PREFIX))


def _attributes(field: str, operator: str, wanted: list[object], path: str) -> Filter:
    kinds: dict[type, list[Attribute]] = {str: [], float: [], bool: []}
    for value in wanted:
        if not is_attribute(value):
            raise InvalidFilter(
                f"“{path}” must be what an attribute can be: text, a number, true or false.", path
            )
        if operator in _OF_TEXT and not isinstance(value, str):
            raise InvalidFilter(f"“{path}” must be text.", path)
        if operator in _ORDERED and isinstance(value, bool):
            raise InvalidFilter(f"“{path}” must be text or a number: true and false have no order.", path)
        kinds[type(value) if isinstance(value, bool | str) else float].append(value)
    compared: Any = "in" if operator == "eq" else operator
    parts = tuple(Condition(field, compared, tuple(values)) for values in kinds.values() if values)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _text(field: str, value: object, path: str) -> str:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidFilter(f"“{path}” must be text.", path)
    return spell(field, value)


def _value(field: str, value: object, path: str) -> str:
    spelled = _text(field, value, path)
    if field == "date" and not _DATE.fullmatch(spelled):
        raise InvalidFilter(
            f"“{path}” is “{spelled[:80]}”; give a date as 2021, 2021-12 or 2021-12-02.", path
        )
    return spelled


def _dates(operator: str, values: tuple[str, ...]) -> Filter:
    """Dates are ISO 8601 and compare as text; a year or a month stands for all of its days."""
    if operator in ("eq", "in"):
        return AnyOf(tuple(Condition("date", "starts_with", (value,)) for value in values))
    (value,) = values
    # "2021" comes before every day of 2021 and "2021-~" after them.
    if operator in ("lte", "gt") and len(value) < len("2021-12-02"):
        value += "-~"
    compared: Any = operator
    return Condition("date", compared, (value,))
