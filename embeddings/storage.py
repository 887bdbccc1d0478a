"""The one seam of the library: rows, lexical index and vectors of a collection, kept in step."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from embeddings.attributes import Attribute
from embeddings.filters import Filter
from embeddings.seeds import SeedIndex
from embeddings.types import Document, Heading, Mark, Metadata, Span, Vectors


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """What is indexed of one segment: its lexical terms, in order, with repeats, one blank between them."""

    line: str


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document on its way in. `entries` and the rows of `vectors` follow the document's segments, passage
    by passage; `folded` is its text folded, if that was made already. Vectors of another embedder than the
    collection's are refused."""

    document: Document
    entries: Sequence[SegmentEntry]
    vectors: Vectors
    folded: str | None = None
    embedder_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as kept, without its original bytes. `added_at` is ISO 8601, UTC; `attributes` are what callers
    say of it."""

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
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """What a source says of a document."""

    id: str
    sha256: str
    filename: str
    title: str
    metadata: Metadata


class Place(NamedTuple):
    """A heading of the outline as it is shown, and how far it reaches. It begins where its extent begins."""

    label: str
    extent: Span


class StoredSegment(NamedTuple):
    """A segment found, with the passage around it. Spans are over the document's stored text.

    `topic` is the lead-in it stands under, or empty; `places` are the headings that the passage stands under,
    outermost first, and those inside it, in order; `title` is the document's. Passages of one `digest` are one
    text, folded.
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
    title: str
    digest: int


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A passage that is one text with another, folded."""

    passage_span: Span
    paragraph: int
    page: int | None
    places: tuple[Place, ...]
    document_id: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The documents that a filter leaves, as arrays of one length: their positions, and their segments, which
    have neighbouring ids."""

    positions: npt.NDArray[np.int64]
    first_segments: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]

    def segment_count(self) -> int:
        return int(self.segments.sum())


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A document that is nearly another; `share` is about the part of their text they have in common."""

    document_id: str
    title: str
    filename: str
    share: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a collection says of itself. `model` names what made its vectors; `reindexing_to` what makes the next."""

    model: str
    embedder_id: str
    dim: int
    settings: str
    generation: int
    documents: int
    passages: int
    segments: int
    byte_length: int
    reindexing_to: str | None


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as a source tells it. `places` are as those of a `StoredSegment`."""

    span: Span
    paragraph: int
    page: int | None
    is_heading: bool
    places: tuple[Place, ...]


class Candidate(NamedTuple):
    """One segment that a leg found. `score` is the cosine (dense) or the BM25 score (lexical)."""

    segment_id: int
    score: float


Terms = Sequence[str] | Mapping[str, float]
"""What is looked for, as often as it is there, or what each counts for."""


class Snapshot(Protocol):
    """One generation of a collection: everything read from it belongs together."""

    generation: int
    embedder_id: str

    def select(self, filter: Filter) -> Scope:
        """The documents that `filter` leaves."""
        ...

    def nearest(self, vector: npt.NDArray[np.float32], k: int, scope: Scope | None = None) -> list[Candidate]:
        """The k segments (of `scope`) closest to `vector` (shape (dim,), unit length), best first."""
        ...

    def matching(self, terms: Terms, k: int, scope: Scope | None = None) -> list[Candidate]:
        """The k best segments (of `scope`) that hold any of `terms`, by BM25, best first."""
        ...

    def copies(
        self, segments: Sequence[StoredSegment], limit: int, scope: Scope | None = None
    ) -> list[tuple[list[StoredCopy], int]]:
        """For the passage of each of `segments` the other passages (of `scope`) that are one text with it, in the
        order they came, and how many there are."""
        ...

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many segments each of `terms` stands."""
        ...

    def segment_count(self) -> int: ...

    def segments(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        """The rows of `segment_ids`, in that order."""
        ...

    def passage_counts(self, titles: Sequence[str]) -> list[int]:
        """How many passages the documents of each of `titles` have together."""
        ...

    def vectors(self, segment_ids: Sequence[int]) -> Vectors:
        """The stored vectors of `segment_ids`, in that order."""
        ...

    def heads(self, document_ids: Sequence[str]) -> list[DocumentHead]:
        """What a source says of each of `document_ids`, in that order."""
        ...

    def seeds(self) -> SeedIndex:
        """Where runs of letters stand, of every document that has a passage."""
        ...

    def text(self, document_id: str) -> str:
        """The stored text. Raises: DocumentNotFound."""
        ...

    def outline(self, document_id: str) -> tuple[Heading, ...]:
        """The numbered places of a document, in order. Raises: DocumentNotFound."""
        ...

    def passages_at(self, document_id: str, positions: Sequence[int]) -> list[StoredPassage]:
        """For each of `positions` in a document that has passages, the last passage that begins there or before
        it, else the first. Raises: DocumentNotFound."""
        ...


class Storage(Protocol):
    """Keeps a collection. `add` and `remove` are durable when they return, and whole or not at all."""

    def add(self, documents: Sequence[NewDocument], *, origin: str | None = None) -> None:
        """Keep `documents` in one transaction. A document that is there already changes nothing.

        `origin` notes what brought them (see `document_ids`).

        Raises:
            StorageUnavailable: the disk refuses, or the storage was opened to read only.
            EmbedderMismatch: the vectors are of another embedder than the collection's.
        """
        ...

    def replace(self, document_id: str, new: NewDocument) -> bool:
        """Put `new` in the place of a document, in one transaction; whether anything changed. It takes over the
        attributes.

        Raises: DocumentNotFound, StorageUnavailable; then nothing has.
        """
        ...

    def claim(self, document_ids: Sequence[str]) -> None:
        """Forget what brought those of `document_ids` that are there: they stay, whatever becomes of it."""
        ...

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents in one transaction.

        Raises:
            DocumentNotFound: one of them is not there; then none is removed.
        """
        ...

    def set_attributes(self, attributes: Mapping[str, Mapping[str, Attribute]]) -> None:
        """Keep what callers say of documents, by their ids, in the place of what they said, in one transaction.

        Raises:
            DocumentNotFound: one of them is not there; then nothing has changed.
        """
        ...

    def attributes(self, document_ids: Sequence[str]) -> dict[str, dict[str, Attribute]]:
        """What callers say of those of `document_ids` that are there."""
        ...

    def attribute_names(self) -> set[str]:
        """The names of all attributes that any document has."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    def list_documents(
        self, *, offset: int, limit: int, filter: Filter | None = None, newest_first: bool = False
    ) -> tuple[list[StoredDocument], int]:
        """A page of documents, and how many there are in all. Their `text` is empty.

        They are in the order they came, or by their date, latest first and those without one last.
        """
        ...

    def near_duplicates(self, document_id: str, limit: int) -> list[Resemblance]:
        """Other documents that are nearly this one, most alike first. Raises: DocumentNotFound."""
        ...

    def facts(self) -> Facts: ...

    def describe(self, settings: str) -> None:
        """Keep `settings` as what the collection says of itself."""
        ...

    def begin_reindex(self, model: str, embedder_id: str, dim: int) -> None:
        """Make ready to take the vectors of another embedder beside those that serve; those that were begun
        for it already stay."""
        ...

    def reindex_progress(self) -> tuple[int, int]:
        """How many segments have their next vector, of how many."""
        ...

    def reindex_next(self, limit: int) -> list[tuple[int, str, str, str]]:
        """Id, title of the document, topic and text of segments that have no next vector."""
        ...

    def reindex_store(self, segment_ids: Sequence[int], vectors: Vectors) -> None:
        """Keep next vectors; of segments that are gone meanwhile they are passed over."""
        ...

    def finish_reindex(self) -> bool:
        """Serve from the next vectors, if every segment has one; else False."""
        ...

    def document_ids(self, *, origin: str | None = None) -> set[str]:
        """The documents held; with `origin`, only those that were added with it."""
        ...

    def held(self, document_ids: Sequence[str]) -> set[str]:
        """Those of `document_ids` that are there."""
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
