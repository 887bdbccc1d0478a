"""What a vector store is beside a collection: a name, metadata and a birthday, kept among the collection's settings.

Knows no HTTP.
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from api.library import Library, is_name
from embeddings import Collection, InvalidInput, check_attributes, is_attribute

_KEY = "vector_store"
_MAX_NAME_CHARS = 256


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """`created_at` is in seconds; 0 where it was made as a collection."""

    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    created_at: int = 0


def new_store(library: Library, name: str | None, metadata: dict[str, str]) -> Collection:
    """A collection of that name, where it can name one; else of a name that is made up.

    Raises: InvalidInput, and as `Library.create`.
    """
    made_up = f"vs_{secrets.token_hex(12)}"
    shown = made_up if name is None else _check_shown_name(name)
    facts = StoreFacts(shown, metadata, int(time.time()))
    return library.create(shown if is_name(shown) else made_up, settings={_KEY: asdict(facts)})


def store_facts(collection: Collection) -> StoreFacts:
    kept = json.loads(collection.facts().settings).get(_KEY)
    return StoreFacts(**kept) if kept else StoreFacts(collection.name)


def change_store(
    library: Library, collection: Collection, *, name: str | None, metadata: dict[str, str] | None
) -> None:
    """Keep what is given of them. Durable when it returns. Raises: InvalidInput."""
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = _check_shown_name(name)
    if metadata is not None:
        changes["metadata"] = metadata
    with library.describing(collection) as settings:
        settings[_KEY] = asdict(replace(store_facts(collection), **changes))


def _check_shown_name(name: str) -> str:
    if not 0 < len(name) <= _MAX_NAME_CHARS or not is_attribute(name):
        raise InvalidInput(f"A name is a text of 1 to {_MAX_NAME_CHARS} characters.")
    return name


def check_metadata(given: Mapping[str, object]) -> dict[str, str]:
    """Raises: InvalidInput."""
    checked = check_attributes(given)
    texts = {name: value for name, value in checked.items() if isinstance(value, str)}
    if len(texts) < len(checked):
        raise InvalidInput("The metadata of a vector store must be texts.")
    return texts
