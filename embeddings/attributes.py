"""What callers say of a document, beside what it says of itself: a text, a number, or true or false, by name."""

from collections.abc import Mapping
from typing import TypeGuard

from embeddings.errors import InvalidInput

Attribute = str | float | bool

MAX_ATTRIBUTES = 16
MAX_ATTRIBUTE_NAME_CHARS = 64
MAX_ATTRIBUTE_CHARS = 512
# Beyond it a number is not every whole number any more.
_MAX_NUMBER = 2**53


def check_attributes(given: Mapping[str, object]) -> dict[str, Attribute]:
    """`given`, if it can be kept. Raises: InvalidInput that names what cannot."""
    if len(given) > MAX_ATTRIBUTES:
        raise InvalidInput(f"{len(given)} attributes are given; a document takes {MAX_ATTRIBUTES}.")
    checked: dict[str, Attribute] = {}
    for name, value in given.items():
        if not is_attribute_name(name):
            raise InvalidInput(
                f"“{name[:80]}” cannot name an attribute: use 1 to {MAX_ATTRIBUTE_NAME_CHARS} characters."
            )
        if not is_attribute(value):
            raise InvalidInput(
                f"The attribute “{name}” must be a text of at most {MAX_ATTRIBUTE_CHARS} characters, a number, or"
                " true or false."
            )
        checked[name] = value
    return checked


def is_attribute_name(name: str) -> bool:
    return 0 < len(name) <= MAX_ATTRIBUTE_NAME_CHARS and _is_text(name)


def is_attribute(value: object) -> TypeGuard[Attribute]:
    if isinstance(value, str):
        return len(value) <= MAX_ATTRIBUTE_CHARS and _is_text(value)
    return isinstance(value, bool | int | float) and abs(value) <= _MAX_NUMBER


def _is_text(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
