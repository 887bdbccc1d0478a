"""A collection: documents in, sourced hits out. Splitting, embedding, two indexes and fusion stand behind it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from embeddings.asking import Dialogue, Search
from embeddings.attributes import Attribute, check_attributes
from embeddings.drafts import (
    DraftReport,
    LibraryPhrase,
    Options,
    SharedText,
    check_draft,
    find_library_phrases,
    find_shared_text,
)
from embeddings.embedder import Embedder
from embeddings.errors import EmbedderMismatch, InvalidInput
from embeddings.filters import Filter
from embeddings.fusion import Legs
from embeddings.local import LocalStorage
from embeddings.queries import validate_query
from embeddings.ranking import Scored, find_runs
from embeddings.reranker import Reranking
from embeddings.space import Space
from embeddings.storage import Facts, NewDocument, Resemblance, SegmentEntry, Storage, StoredDocument
from embeddings.terms import fold, join_terms
from embeddings.types import Document, Hit, Segment, Span, headings_over
from embeddings.weights import First, Missing, Weights

MAX_TOP_K = 100
_BATCH_SEGMENTS = 4_096
_REINDEX_SEGMENTS = 2_048
T = TypeVar("T")
_NUMBER = re.compile(
    r"^(?:第[一二三四五六七八九十百千零〇\d]+[编章节条](?:之[一二三四五六七八九十]+)?"
    r"|[一二三四五六七八九十]+、|[(（][一二三四五六七八九十\d]+[)）]|\d{1,2}[.、](?!\d))\s*"
)


def open_collection(
    folder: Path,
    name: str,
    embedder: Embedder,
    *,
    model: str = "",
    read_only: bool = False,
    reranking: Reranking | None = None,
) -> "Collection":
    """The collection kept in `folder`, made if there is none (unless `read_only`).

    `model` is what a new one says its embedder is loaded by; `reranking` judges again what a search finds.

    Raises:
        StorageUnavailable: another process has it open to write, or it cannot be read or written.
        EmbedderMismatch: its vectors were made by another model.
    """
    storage = LocalStorage(
        folder, embedder_id=embedder.id, dim=embedder.dim, model=model, read_only=read_only
    )
    return Collection(name, embedder, storage, reranking)


class Collection:
    """A named set of documents with one embedder and one storage. Safe to use from many threads."""

    def __init__(
        self, name: str, embedder: Embedder, storage: Storage, reranking: Reranking | None = None
    ) -> None:
        self.name = name
        self._reranking = reranking
        self._storage = storage
        self._spaces = {embedder.id: Space(embedder)}
        self._embedder = embedder

    def add(self, documents: Sequence[Document], *, origin: str | None = None) -> list[Document]:
        """Keep `documents`; returns those that were not there before. Durable when it returns.

        `origin` notes what brought them, for `document_ids`.

        Raises:
            StorageUnavailable: the disk refuses; documents of earlier batches may have been kept, each whole.
        """
        held = self._storage.held([document.id for document in documents])
        new = list({document.id: document for document in documents if document.id not in held}.values())
        for batch in _batches(new):
            self._with_embedder(partial(self._add, batch, origin))
        if origin is None and held:
            self.claim(sorted(held))
        return new

    def claim(self, document_ids: Sequence[str]) -> None:
        """Keep documents whatever becomes of what brought them (see `mirror_paths`)."""
        self._storage.claim(document_ids)

    def replace(self, document_id: str, document: Document) -> bool:
        """Put `document` in the place of another, in one step; whether anything changed. Durable then. It takes
        over the attributes.

        Raises: DocumentNotFound, StorageUnavailable; then nothing has changed.
        """
        return self._with_embedder(lambda: self._storage.replace(document_id, self._prepare([document])[0]))

    def remove(self, document_ids: Sequence[str]) -> None:
        """Raises: DocumentNotFound; then none is removed."""
        self._storage.remove(document_ids)

    def search(
        self,
        query: str,
        *,
        top_k: int = 5,
        min_score: float | None = None,
        legs: Legs = "both",
        filter: Filter | None = None,
        newest_first: bool = False,
        history: Sequence[str] = (),
    ) -> list[Hit]:
        """The passages that answer `query`, best first; none where nothing does.

        `history` are the questions before it, oldest first, without which a follow-up means little. A question
        about a numbered place (「第四点讲了什么」) is answered with that place.

        `min_score` replaces the answer threshold; `legs` leaves one of the two retrievers out. Only documents
        that `filter` leaves are searched; `newest_first` orders by date what answers. A re-ranker is asked where
        both retrievers are, and the order is not by date.

        Raises:
            EmptyText: `query` has no letter, digit or Han character.
            TooLarge: `query` is too long.
            InvalidInput: `top_k` is not 1 to 100.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInput(f"top_k is {top_k}; give 1 to {MAX_TOP_K}.")
        validate_query(query)
        reranking = self._reranking if legs == "both" and not newest_first else None
        with self._storage.snapshot() as snapshot:
            space = self._spaces[snapshot.embedder_id]
            search = Search(
                snapshot,
                space,
                top_k=top_k,
                min_score=min_score,
                legs=legs,
                scope=snapshot.select(filter) if filter else None,
                newest_first=newest_first,
                reranking=reranking,
            )
            hits = _compared(Dialogue(search).ask(query, history), query, space.embedder)
        return [_of_collection(hit, self.name) for hit in hits[:top_k] if hit.score >= (min_score or 0)]

    def similar(
        self,
        draft: str,
        *,
        top_k: int = 3,
        exclude_documents: Sequence[str] = (),
        phrases: Sequence[str] = (),
    ) -> DraftReport:
        """Where `draft` was said before: what is copied, reworded, set phrase, related, outdated, left unfilled.

        `top_k` sources at most are told for any place. `phrases` count as set phrases besides those that the
        library shows.

        Raises:
            EmptyText: `draft` has no letter, digit or Han character.
            TooLarge: `draft` is too long.
            InvalidInput: `top_k` is not 1 to 100.
            DocumentNotFound: a document to be excluded is not there.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise InvalidInput(f"top_k is {top_k}; give 1 to {MAX_TOP_K}.")
        options = Options(top_k, frozenset(exclude_documents), tuple(phrases))
        with self._storage.snapshot() as snapshot:
            snapshot.heads(sorted(options.excluded))
            space = self._spaces[snapshot.embedder_id]
            return check_draft(draft, snapshot, space, options)

    def similar_to(self, document_id: str, *, top_k: int = 3) -> DraftReport:
        """The same for a document that is here, against all others. Raises: DocumentNotFound, and as `similar`."""
        text = self._storage.document(document_id).text
        return self.similar(text, top_k=top_k, exclude_documents=[document_id])

    def shared_text(self, *, limit: int = 100) -> list[SharedText]:
        """The pairs of documents that have most text in common, first; how much is an estimate."""
        with self._storage.snapshot() as snapshot:
            return find_shared_text(snapshot.seeds(), limit=limit)

    def set_phrases(self, *, min_documents: int = 4, limit: int = 100) -> list[LibraryPhrase]:
        """The set phrases that stand in most unrelated documents, first."""
        with self._storage.snapshot() as snapshot:
            return find_library_phrases(snapshot.seeds(), min_documents=min_documents, limit=limit)

    def find_runs(
        self, query: str, weights: Weights, *, limit: int = 12
    ) -> list[tuple[Scored, First, Missing]]:
        """The runs of sentences that `search` would choose among, best first, each as if it were the only one."""
        folded = validate_query(query)
        with self._storage.snapshot() as snapshot:
            space = self._spaces[snapshot.embedder_id]
            return find_runs(folded, snapshot, space, weights, limit=limit)

    def list_documents(
        self, *, offset: int = 0, limit: int = 50, filter: Filter | None = None, newest_first: bool = False
    ) -> tuple[list[StoredDocument], int]:
        """A page of documents in the order they came or by date (their `text` is empty), and how many there
        are."""
        return self._storage.list_documents(
            offset=offset, limit=limit, filter=filter, newest_first=newest_first
        )

    def near_duplicates(self, document_id: str, *, limit: int = 10) -> list[Resemblance]:
        """Other documents that are nearly this one, most alike first. Raises: DocumentNotFound."""
        return self._storage.near_duplicates(document_id, limit)

    def set_attributes(self, attributes: Mapping[str, Mapping[str, object]]) -> None:
        """Keep what callers say of documents, by their ids, in the place of what they said. Durable when it returns.

        Raises: DocumentNotFound; InvalidInput: too many, or of another kind. Then nothing has changed.
        """
        self._storage.set_attributes({id: check_attributes(said) for id, said in attributes.items()})

    def attributes(self, document_ids: Sequence[str]) -> dict[str, dict[str, Attribute]]:
        """What callers say of those of `document_ids` that are there."""
        return self._storage.attributes(document_ids)

    def attribute_names(self) -> set[str]:
        """The names of all attributes that any document has."""
        return self._storage.attribute_names()

    def facts(self) -> Facts:
        return self._storage.facts()

    def describe(self, settings: str) -> None:
        """Keep `settings` (JSON) with the collection."""
        self._storage.describe(settings)

    def reindex(
        self, embedder: Embedder, *, model: str, on_progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Make the vectors again with another embedder. What is there answers until all are made; documents
        may come and go meanwhile. Ended early, it goes on from there the next time.

        `on_progress` is called with how many are made and of how many; what it raises ends the work.
        """
        if self._storage.facts().embedder_id == embedder.id:
            return
        self._storage.begin_reindex(model, embedder.id, embedder.dim)
        self._spaces = {**self._spaces, embedder.id: Space(embedder)}
        while not self._storage.finish_reindex():
            batch = self._storage.reindex_next(_REINDEX_SEGMENTS)
            said = [_titled(fold(title), fold(topic), fold(text)) for _, title, topic, text in batch]
            vectors = embedder.encode_passages(said)
            self._storage.reindex_store([id for id, *_ in batch], vectors)
            if on_progress is not None:
                on_progress(*self._storage.reindex_progress())
        self._embedder = embedder

    def holds(self, document_id: str) -> bool:
        return bool(self._storage.held([document_id]))

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

    def _add(self, batch: Sequence[Document], origin: str | None) -> None:
        self._storage.add(self._prepare(batch), origin=origin)

    def _with_embedder(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except EmbedderMismatch:
            # The collection was switched to another embedder while the vectors were made.
            self._embedder = self._spaces[self._storage.facts().embedder_id].embedder
            return write()

    def _prepare(self, documents: Sequence[Document]) -> list[NewDocument]:
        embedder = self._embedder
        prepared = [_Prepared(document) for document in documents]
        vectors = embedder.encode_passages([text for each in prepared for text in each.titled])
        ends = np.cumsum([len(each.titled) for each in prepared])[:-1]
        return [
            NewDocument(each.document, each.entries, rows, each.folded, embedder.id)
            for each, rows in zip(prepared, np.split(vectors, ends), strict=True)
        ]


class _Prepared:
    """A document with what is indexed of it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.folded = fold(document.text)
        segments = [segment for passage in document.passages for segment in passage.segments]
        texts = [segment.span.of(self.folded) for segment in segments]
        topics = [segment.topic.of(self.folded) if segment.topic else "" for segment in segments]
        title = fold(document.title)
        self.titled = [_titled(title, topic, text) for topic, text in zip(topics, texts, strict=True)]
        self.entries = [
            SegmentEntry(f"{context} {join_terms(text)}".strip())
            for context, text in zip(_contexts(document, self.folded, segments), texts, strict=True)
        ]


def _compared(hits: list[Hit], query: str, embedder: Embedder) -> list[Hit]:
    """`hits`, those that no leg found with the cosine of query and quote."""
    read = [
        place for place, hit in enumerate(hits) if hit.why.dense_rank is None and hit.why.lexical_rank is None
    ]
    if read:
        vectors = embedder.encode_passages([fold(hits[place].quote) for place in read])
        cosines = vectors @ embedder.encode_queries([fold(query)])[0]
        for place, cosine in zip(read, cosines, strict=True):
            hits[place] = replace(hits[place], similarity=float(cosine))
    return hits


def _titled(title: str, topic: str, text: str) -> str:
    """What is embedded of a segment: half of what a sentence is about is often told by the title alone, or by what opens
    the list that it is an item of; and what number it has says nothing."""
    under = "" if topic in text else f"{_NUMBER.sub('', topic)} "
    return f"{title} {under}{_NUMBER.sub('', text)}"


def _of_collection(hit: Hit, name: str) -> Hit:
    also_in = tuple(replace(copy, source=replace(copy.source, collection=name)) for copy in hit.also_in)
    return replace(hit, source=replace(hit.source, collection=name), also_in=also_in)


def _contexts(document: Document, folded: str, segments: Sequence[Segment]) -> Iterator[str]:
    """The terms of the words that each segment stands under: title, headings, topic. They are searched along
    with it."""
    title = join_terms(fold(document.title))
    labels = [join_terms(heading.span.of(folded)) for heading in document.outline]
    starts = [Span(segment.span.start, segment.span.start + 1) for segment in segments]
    for segment, above in zip(segments, headings_over(document.outline, starts), strict=True):
        topic = [join_terms(segment.topic.of(folded))] if segment.topic else []
        yield " ".join(filter(None, [title, *(labels[index] for index in above), *topic]))


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
