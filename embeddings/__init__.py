"""wenyuan's library: official documents in, sentences with their sources out. It has never heard of HTTP."""

from embeddings.collection import MAX_TOP_K, Collection, open_collection
from embeddings.embedder import BUILTIN_MODEL, Embedder, load_embedder
from embeddings.errors import (
    CollectionNotFound,
    Conflict,
    DocumentNotFound,
    EmbedderMismatch,
    EmptyText,
    InvalidInput,
    ModelUnavailable,
    NotFound,
    StorageUnavailable,
    TooLarge,
    Unavailable,
    UnreadableDocument,
    UnsupportedFormat,
    WenyuanError,
)
from embeddings.evaluation import Level, Question, Report, evaluate, load_questions
from embeddings.folders import AddReport, RefusedFile, add_paths, mirror_paths
from embeddings.queries import MAX_QUERY_CHARS
from embeddings.ranking import Legs
from embeddings.readers import is_readable, read
from embeddings.storage import StoredDocument
from embeddings.types import (
    Document,
    Field,
    Heading,
    Hit,
    Mark,
    Metadata,
    Passage,
    Segment,
    Source,
    Span,
    Why,
)

__all__ = [
    "BUILTIN_MODEL",
    "MAX_QUERY_CHARS",
    "MAX_TOP_K",
    "AddReport",
    "Collection",
    "CollectionNotFound",
    "Conflict",
    "Document",
    "DocumentNotFound",
    "Embedder",
    "EmbedderMismatch",
    "EmptyText",
    "Field",
    "Heading",
    "Hit",
    "InvalidInput",
    "Legs",
    "Level",
    "Mark",
    "Metadata",
    "ModelUnavailable",
    "NotFound",
    "Passage",
    "Question",
    "RefusedFile",
    "Report",
    "Segment",
    "Source",
    "Span",
    "StorageUnavailable",
    "StoredDocument",
    "TooLarge",
    "Unavailable",
    "UnreadableDocument",
    "UnsupportedFormat",
    "WenyuanError",
    "Why",
    "add_paths",
    "evaluate",
    "is_readable",
    "load_embedder",
    "load_questions",
    "mirror_paths",
    "open_collection",
    "read",
]
