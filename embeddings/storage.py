"""The one seam of the library: rows, lexical index and vectors of a collection, kept in step."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from embeddings.types import Document, Heading, Mark, Metadata, Span, Vectors


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """What is indexed of one segment: its lexical terms, in order, with repeats."""

    terms: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document on its way in. `entries` and the rows of `vectors` follow the document's segments, passage
    by passage."""

    document: Document
    entries: Sequence[SegmentEntry]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as kept, without its original bytes. `added_at` is ISO 8601, UTC."""

    id: str
    sha256: str
    filename: str
    encoding: str
    text: str
    title: str
    metadata: Metadata
    marks: tuple[Mark, ...]
    outline: tuple[Heading, ...]
    passages: int
    byte_length: int
    added_at: str


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """What a source says of a document."""

    id: str
    sha256: str
    filename: str
    title: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Place:
    """A heading of the outline as it is shown, and how far it reaches. It begins where its extent begins."""

    label: str
    extent: Span


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment found, with the passage around it. Spans are over the document's stored text.

    `topic` is the lead-in it stands under, or empty; `places` are the headings that the passage stands under,
    outermost first, and those inside it, in order.
    """

    id: int
    span: Span
    passage_id: int
    passage_span: Span
    passage_text: str
    paragraph: int
    page: int | None
    is_heading: bool
    topic: str
    places: tuple[Place, ...]
    document_id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One segment that a leg found. `score` is the cosine (dense) or the BM25 score (lexical)."""

    segment_id: int
    score: float


class Snapshot(Protocol):
    """One generation of a collection: everything read from it belongs together."""

    generation: int

    def nearest(self, vector: npt.NDArray[np.float32], k: int) -> list[Candidate]:
        """The k segments closest to `vector` (shape (dim,), unit length), best first."""
        ...

    def matching(self, terms: Sequence[str], k: int) -> list[Candidate]:
        """The k best segments that hold any of `terms`, by BM25, best first."""
        ...

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many segments each of `terms` stands."""
        ...

    def segment_count(self) -> int: ...

    def segments(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        """The rows of `segment_ids`, in that order."""
        ...

    def vectors(self, segment_ids: Sequence[int]) -> Vectors:
        """The stored vectors of `segment_ids`, in that order."""
        ...

    def heads(self, document_ids: Sequence[str]) -> list[DocumentHead]:
        """What a source says of each of `document_ids`, in that order."""
        ...


class Storage(Protocol):
    """Keeps a collection. `add` and `remove` are durable when they return, and whole or not at all."""

    def add(self, documents: Sequence[NewDocument], *, origin: str | None = None) -> None:
        """Keep `documents` in one transaction. A document that is there already changes nothing.

        `origin` notes what brought them (see `document_ids`).

        Raises:
            StorageUnavailable: the disk refuses, or the storage was opened to read only.
        """
        ...

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents in one transaction.

        Raises:
            DocumentNotFound: one of them is not there; then none is removed.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    def list_documents(self, *, offset: int, limit: int) -> tuple[list[StoredDocument], int]:
        """A page of documents in the order they came, and how many there are in all. Their `text` is empty."""
        ...

    def document_ids(self, *, origin: str | None = None) -> set[str]:
        """The documents held; with `origin`, only those that were added with it."""
        ...

    def document(self, document_id: str) -> StoredDocument:
        """Raises: DocumentNotFound."""
        ...

    def passages(self, document_id: str) -> list[tuple[Span, int, bool]]:
        """Span, paragraph and is_heading of a document's passages, in order. Raises: DocumentNotFound."""
        ...

    def original(self, document_id: str) -> bytes:
        """The bytes as they came. Raises: DocumentNotFound."""
        ...

    def close(self) -> None:
        """May be called twice."""
        ...
