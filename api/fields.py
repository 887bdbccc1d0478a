"""What the filters of other dialects can name, and what their results say of a document. Knows no HTTP."""

from collections.abc import Collection as Names
from collections.abc import Mapping

from embeddings import ATTRIBUTE_PREFIX, FILTER_FIELDS, Attribute, InvalidInput, Source

_SAID = ("document_id", "title", "filename", "issuer", "speaker", "date", "doc_number", "page", "paragraph")
_OF_A_PASSAGE = ("page", "paragraph", "outline", "quote", "quote_start", "quote_end")
_MAX_VALUE_CHARS = 512


def fields_of(source: Source, attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """What callers say of a document, then what it says of itself; what is not known of it is not there."""
    values = {name: getattr(source, name) for name in _SAID}
    said = {
        name: value[:_MAX_VALUE_CHARS] if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None and name not in attributes
    }
    return {**attributes, **said}


def filter_field(name: object, attribute_names: Names[str]) -> str:
    """The field of the library's filters that is meant by `name`. An attribute hides a field of its name.

    Raises: InvalidInput where there is neither.
    """
    if isinstance(name, str) and name in attribute_names:
        return ATTRIBUTE_PREFIX + name
    if isinstance(name, str) and name in FILTER_FIELDS:
        return name
    shown = str(name)[:80]
    if name in _OF_A_PASSAGE:
        raise InvalidInput(
            f"“{shown}” is of a passage, and a filter chooses documents; compare it in the results."
        )
    known = ", ".join([*FILTER_FIELDS, *sorted(attribute_names)])
    raise InvalidInput(f"There is no field or attribute “{shown}” to filter by; there is {known}.")


def is_attribute_field(field: str) -> bool:
    return field.startswith(ATTRIBUTE_PREFIX)
