"""Everything that this library raises on purpose.

WenyuanError
├── InvalidInput            the caller can fix it
│   ├── UnsupportedFormat   no reader for this kind of file
│   ├── UnreadableDocument  the file is damaged, or its encoding cannot be told
│   ├── EmptyText           nothing to read or to ask
│   ├── InvalidFilter       a filter on a field that there is not, or that cannot be understood
│   ├── InvalidName         no name for a collection
│   └── TooLarge            over a stated limit
├── NotFound
│   ├── DocumentNotFound
│   ├── JobNotFound
│   └── CollectionNotFound
├── Conflict
│   ├── CollectionExists    there is one of that name
│   └── EmbedderMismatch    the vectors on disk were made by another model
└── Unavailable
    ├── StorageUnavailable  another process has the folder, or it cannot be read or written
    └── ModelUnavailable    the model cannot be had

Every class has a stable `code`. A message names the offending thing and the remedy.
"""


class WenyuanError(Exception):
    code = "error"


class InvalidInput(WenyuanError):
    code = "invalid_input"


class UnsupportedFormat(InvalidInput):
    code = "unsupported_format"


class UnreadableDocument(InvalidInput):
    code = "unreadable_document"


class EmptyText(InvalidInput):
    code = "empty_text"


class InvalidFilter(InvalidInput):
    """`path` is the place in the filter, as in `or.0.date`; empty for all of it."""

    code = "invalid_filter"

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class InvalidName(InvalidInput):
    code = "invalid_name"


class TooLarge(InvalidInput):
    code = "too_large"


class NotFound(WenyuanError):
    code = "not_found"


class DocumentNotFound(NotFound):
    code = "document_not_found"


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class Conflict(WenyuanError):
    code = "conflict"


class CollectionExists(Conflict):
    code = "collection_exists"


class EmbedderMismatch(Conflict):
    code = "embedder_mismatch"


class Unavailable(WenyuanError):
    code = "unavailable"


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
