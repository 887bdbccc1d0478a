"""The draft check: where was this said before?

Seeds are found in the index of the library (`hits`), extended to stretches (`stretches`), aligned (`alignment`,
`copies`) and told apart from what everyone says (`boilerplate`); what was not copied is looked up by its words
and meaning (`related`).
"""

from embeddings.drafts.check import MAX_DRAFT_CHARS, Options, check_draft
from embeddings.drafts.overlaps import LibraryPhrase, SharedText, find_library_phrases, find_shared_text
from embeddings.drafts.types import (
    Boilerplate,
    Change,
    DocumentShare,
    DraftParagraph,
    DraftReport,
    Match,
    Placeholder,
    Repetition,
    Superseded,
)

__all__ = [
    "MAX_DRAFT_CHARS",
    "Boilerplate",
    "Change",
    "DocumentShare",
    "DraftParagraph",
    "DraftReport",
    "LibraryPhrase",
    "Match",
    "Options",
    "Placeholder",
    "Repetition",
    "SharedText",
    "Superseded",
    "check_draft",
    "find_library_phrases",
    "find_shared_text",
]
