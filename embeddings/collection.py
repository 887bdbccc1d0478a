"""A collection: documents in, sourced hits out. Splitting, embedding, two indexes and fusion stand behind it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from embeddings.embedder import Embedder
from embeddings.errors import InvalidInput
from embeddings.local import LocalStorage
from embeddings.queries import validate_query
from embeddings.ranking import Legs, Scored, Weights, find_runs, load_weights, rank
from embeddings.storage import NewDocument, SegmentEntry, Storage, StoredDocument
from embeddings.terms import extract_terms, fold
from embeddings.types import Document, Hit, Segment, Span, headings_over

MAX_TOP_K = 100
_BATCH_SEGMENTS = 4_096
# Sentences of no common matter: how alike an embedder finds them is what it finds of anything.
_UNRELATED = (
    "今天天气晴朗。",
    "公司召开股东大会。",
    "红烧肉要用小火慢炖。",
    "燃气管道每年检查一次。",
    "他买了一张火车票。",
    "数组的下标从零开始。",
)


def open_collection(folder: Path, name: str, embedder: Embedder, *, read_only: bool = False) -> "Collection":
    """The collection kept in `folder`, made if there is none (unless `read_only`).

    Raises:
        StorageUnavailable: another process has it open to write, or it cannot be read or written.
        EmbedderMismatch: its vectors were made by another model.
    """
    storage = LocalStorage(folder, embedder_id=embedder.id, dim=embedder.dim, read_only=read_only)
    return Collection(name, embedder, storage)


class Collection:
    """A named set of documents with one embedder and one storage. Safe to use from many threads."""

    def __init__(self, name: str, embedder: Embedder, storage: Storage) -> None:
        self.name = name
        self._embedder = embedder
        self._storage = storage
        self._background = _measure_background(embedder)

    def add(self, documents: Sequence[Document], *, origin: str | None = None) -> list[Document]:
        """Keep `documents`; returns those that were not there before. Durable when it returns.

        `origin` notes what brought them, for `document_ids`.

        Raises:
            StorageUnavailable: the disk refuses; documents of earlier batches may have been kept, each whole.
        """
        held = self._storage.document_ids()
        new = list({document.id: document for document in documents if document.id not in held}.values())
        for batch in _batches(new):
            self._storage.add([self._prepare(document) for document in batch], origin=origin)
        return new

    def remove(self, document_ids: Sequence[str]) -> None:
        """Raises: DocumentNotFound; then none is removed."""
        self._storage.remove(document_ids)

    def search(
        self, query: str, *, top_k: int = 5, min_score: float | None = None, legs: Legs = "both"
    ) -> list[Hit]:
        """The passages that answer `query`, best first; none where nothing does.

        `min_score` replaces the answer threshold; `legs` leaves one of the two retrievers out.

        Raises:
            EmptyText: `query` has no letter, digit or Han character.
            TooLarge: `query` is too long.
            InvalidInput: `top_k` is not 1 to 100.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInput(f"top_k is {top_k}; give 1 to {MAX_TOP_K}.")
        folded = validate_query(query)
        with self._storage.snapshot() as snapshot:
            return rank(
                folded,
                snapshot,
                self._embedder,
                load_weights(),
                background=self._background,
                top_k=top_k,
                min_score=min_score,
                legs=legs,
            )

    def find_runs(self, query: str, weights: Weights) -> list[tuple[str, Scored]]:
        """The runs of sentences that `search` would choose among, each with its document's id, in no order."""
        folded = validate_query(query)
        with self._storage.snapshot() as snapshot:
            runs = find_runs(folded, snapshot, self._embedder, weights, background=self._background)
        return [(run.found.segment.document_id, run) for run in runs]

    def list_documents(self, *, offset: int = 0, limit: int = 50) -> tuple[list[StoredDocument], int]:
        """A page of documents in the order they came (their `text` is empty), and how many there are."""
        return self._storage.list_documents(offset=offset, limit=limit)

    def document_ids(self, *, origin: str | None = None) -> set[str]:
        return self._storage.document_ids(origin=origin)

    def document(self, document_id: str) -> StoredDocument:
        """Raises: DocumentNotFound."""
        return self._storage.document(document_id)

    def passages(self, document_id: str) -> list[tuple[Span, int, bool]]:
        """Span, paragraph and is_heading of each passage. Raises: DocumentNotFound."""
        return self._storage.passages(document_id)

    def original(self, document_id: str) -> bytes:
        """Raises: DocumentNotFound."""
        return self._storage.original(document_id)

    def close(self) -> None:
        """May be called twice."""
        self._storage.close()

    def _prepare(self, document: Document) -> NewDocument:
        segments = [segment for passage in document.passages for segment in passage.segments]
        texts = [fold(segment.span.of(document.text)) for segment in segments]
        entries = [
            SegmentEntry(extract_terms(f"{context}\n{text}"))
            for context, text in zip(_contexts(document, segments), texts, strict=True)
        ]
        return NewDocument(document, entries, self._embedder.encode_passages(texts))


def _contexts(document: Document, segments: Sequence[Segment]) -> Iterator[str]:
    """The words that each segment stands under: title, headings, topic. They are searched along with it."""
    starts = [Span(segment.span.start, segment.span.start + 1) for segment in segments]
    for segment, above in zip(segments, headings_over(document.outline, starts), strict=True):
        headings = [document.outline[index].span.of(document.text) for index in above]
        topic = segment.topic.of(document.text) if segment.topic else ""
        yield "\n".join([document.title, *headings, topic])


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Runs of documents of about `_BATCH_SEGMENTS` segments, at least one each."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += sum(len(passage.segments) for passage in document.passages)
        if size >= _BATCH_SEGMENTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _measure_background(embedder: Embedder) -> float:
    """The mean cosine of texts that have nothing in common, at least 0."""
    vectors = embedder.encode_passages(_UNRELATED)
    cosines = vectors @ vectors.T
    return max(0.0, float(cosines[~np.eye(len(cosines), dtype=bool)].mean()))
