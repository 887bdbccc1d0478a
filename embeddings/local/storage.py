"""LocalStorage: documents in SQLite, with a tantivy and a FAISS index kept at the same generation."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embeddings.attributes import Attribute
from embeddings.errors import EmbedderMismatch, StorageUnavailable
from embeddings.filters import Filter
from embeddings.local.database import Database, open_rows
from embeddings.local.lexical import LexicalIndex, LexicalView
from embeddings.local.lock import FolderLock
from embeddings.local.rows import Rows
from embeddings.local.seeds import SeedCache
from embeddings.local.vectors import VectorIndex
from embeddings.seeds import SeedIndex
from embeddings.storage import (
    Candidate,
    DocumentHead,
    Facts,
    NewDocument,
    Resemblance,
    Scope,
    StoredCopy,
    StoredDocument,
    StoredPassage,
    StoredSegment,
    Terms,
)
from embeddings.types import Heading, Span, Vectors

_log = logging.getLogger(__name__)

_LEXICAL = "lexical"
_VECTORS = "vectors.faiss"
_LINE = re.compile(r"(?:\S+(?: \S+)*)?")
_SEEDS = "seeds.bin"

_Cache = TypeVar("_Cache", LexicalIndex, VectorIndex, SeedCache)
_Saved = TypeVar("_Saved", VectorIndex, SeedCache)


@dataclass(frozen=True, slots=True)
class _Generation:
    """All that answers at one generation. Replaced as a whole, never changed."""

    rows: Rows
    lexical: LexicalView
    vectors: VectorIndex
    seeds: SeedCache


class LocalSnapshot:
    """See `embeddings.storage.Snapshot`."""

    def __init__(self, generation: _Generation) -> None:
        self.generation = generation.rows.generation
        self.embedder_id = generation.rows.embedder_id
        self._rows = generation.rows
        self._lexical = generation.lexical
        self._vectors = generation.vectors
        self._seeds = generation.seeds

    def select(self, filter: Filter) -> Scope:
        return self._rows.select(filter)

    def nearest(self, vector: npt.NDArray[np.float32], k: int, scope: Scope | None = None) -> list[Candidate]:
        return self._vectors.nearest(vector, k, scope)

    def matching(self, terms: Terms, k: int, scope: Scope | None = None) -> list[Candidate]:
        return self._lexical.matching(terms, k, scope)

    def copies(
        self, segments: Sequence[StoredSegment], limit: int, scope: Scope | None = None
    ) -> list[tuple[list[StoredCopy], int]]:
        return self._rows.copies(segments, limit, scope)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        return self._lexical.frequencies(terms)

    def segment_count(self) -> int:
        return self._rows.segment_count

    def segments(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        return self._rows.segments(segment_ids)

    def passage_counts(self, titles: Sequence[str]) -> list[int]:
        return self._rows.passage_counts(titles)

    def vectors(self, segment_ids: Sequence[int]) -> Vectors:
        return self._rows.vectors(segment_ids, self._rows.dim)

    def heads(self, document_ids: Sequence[str]) -> list[DocumentHead]:
        return self._rows.heads(document_ids)

    def seeds(self) -> SeedIndex:
        return self._seeds.index

    def text(self, document_id: str) -> str:
        return self._rows.text(document_id)

    def outline(self, document_id: str) -> tuple[Heading, ...]:
        return self._rows.outline(document_id)

    def passages_at(self, document_id: str, positions: Sequence[int]) -> list[StoredPassage]:
        return self._rows.passages_at(document_id, positions)


class LocalStorage:
    """See `embeddings.storage.Storage`. Any number of threads may search while one of them adds or removes.

    A write moves the database on first, while searches stay with the generation they know: its read
    transaction is held open until the caches have caught up and the new generation is put in its place.
    """

    def __init__(
        self, folder: Path, *, embedder_id: str, dim: int, model: str = "", read_only: bool = False
    ) -> None:
        """Opens the collection in `folder`; to write, it is made if there is none.

        To read only, it shows the generation that it finds, takes no lock and changes no file (SQLite may
        leave its two empty side files); indexes on disk that are of another generation are made in memory.

        Raises:
            StorageUnavailable: another process has the folder open to write, there is nothing to read, or the
                disk or the database cannot be used.
            EmbedderMismatch: another embedder made the vectors.
        """
        self._folder = folder
        self._writing = Lock()
        self._replacing = Lock()
        self._database: Database | None = None
        self._lexical: LexicalIndex | None = None
        self._generation: _Generation | None = None
        with ExitStack() as opened:
            if read_only:
                rows = open_rows(folder, embedder_id=embedder_id, dim=dim)
            else:
                opened.callback(FolderLock(folder).release)
                self._database = Database(folder, embedder_id=embedder_id, dim=dim, model=model)
                opened.callback(self._database.close)
                rows = self._database.rows()
            opened.callback(rows.retire)
            with rows.held():
                self._generation = self._caught_up(rows)
                if read_only:
                    # For good: the writer in another process does not wait for us.
                    rows.hold()
            self._opened = opened.pop_all()

    def add(self, documents: Sequence[NewDocument], *, origin: str | None = None) -> None:
        with self._writing:
            self._check(documents)
            self._write(lambda database: database.add(documents, origin))

    def replace(self, document_id: str, new: NewDocument) -> bool:
        with self._writing:
            self._check([new])
            return self._write(lambda database: database.replace(document_id, new))

    def claim(self, document_ids: Sequence[str]) -> None:
        with self._writing:
            if self._database is None:
                raise StorageUnavailable("the storage was opened to read only: open it to write")
            self._database.claim(document_ids)

    def remove(self, document_ids: Sequence[str]) -> None:
        with self._writing:
            self._write(lambda database: database.remove(document_ids))

    def set_attributes(self, attributes: Mapping[str, Mapping[str, Attribute]]) -> None:
        with self._writing:
            self._write(lambda database: database.set_attributes(attributes))

    def describe(self, settings: str) -> None:
        with self._writing:
            self._write(lambda database: database.describe(settings))

    def begin_reindex(self, model: str, embedder_id: str, dim: int) -> None:
        with self._writing:
            self._write(lambda database: database.begin_reindex(model, embedder_id, dim))

    def reindex_progress(self) -> tuple[int, int]:
        with self._writing:
            return self._writable().reindex_progress()

    def reindex_next(self, limit: int) -> list[tuple[int, str, str, str]]:
        with self._writing:
            return self._writable().reindex_next(limit)

    def reindex_store(self, segment_ids: Sequence[int], vectors: Vectors) -> None:
        with self._writing:
            self._write(lambda database: database.reindex_store(segment_ids, vectors))

    def finish_reindex(self) -> bool:
        with self._writing:
            return self._write(lambda database: database.finish_reindex())

    @contextmanager
    def snapshot(self) -> Iterator[LocalSnapshot]:
        with self._held() as generation:
            yield LocalSnapshot(generation)

    def list_documents(
        self, *, offset: int, limit: int, filter: Filter | None = None, newest_first: bool = False
    ) -> tuple[list[StoredDocument], int]:
        with self._held() as generation:
            return generation.rows.list_documents(offset, limit, filter, newest_first)

    def near_duplicates(self, document_id: str, limit: int) -> list[Resemblance]:
        with self._held() as generation:
            return generation.rows.near_duplicates(document_id, limit)

    def facts(self) -> Facts:
        with self._held() as generation:
            return generation.rows.facts()

    def document_ids(self, *, origin: str | None = None) -> set[str]:
        with self._held() as generation:
            return generation.rows.document_ids(origin)

    def held(self, document_ids: Sequence[str]) -> set[str]:
        with self._held() as generation:
            return generation.rows.held_ids(document_ids)

    def attributes(self, document_ids: Sequence[str]) -> dict[str, dict[str, Attribute]]:
        with self._held() as generation:
            return generation.rows.attributes(document_ids)

    def attribute_names(self) -> set[str]:
        with self._held() as generation:
            return generation.rows.attribute_names()

    def document(self, document_id: str) -> StoredDocument:
        with self._held() as generation:
            return generation.rows.document(document_id)

    def passages(self, document_id: str) -> list[tuple[Span, int, bool]]:
        with self._held() as generation:
            return generation.rows.passages(document_id)

    def original(self, document_id: str) -> bytes:
        with self._held() as generation:
            return generation.rows.original(document_id)

    def close(self) -> None:
        with self._writing:
            self._close()

    @contextmanager
    def _held(self) -> Iterator[_Generation]:
        """The generation to answer from; it stays readable until the block ends."""
        with self._replacing:
            generation = self._generation
            if generation is None:
                raise StorageUnavailable("the storage is closed: open it again")
            generation.rows.hold()
        try:
            yield generation
        finally:
            generation.rows.release()

    def _write(self, change: Callable[[Database], bool]) -> bool:
        """Whether anything changed of what answers."""
        with self._held():
            database = self._writable()
            is_changed = change(database)
            if is_changed:
                self._publish(database)
        database.checkpoint()
        return is_changed

    def _check(self, documents: Sequence[NewDocument]) -> None:
        with self._held() as serving:
            embedder_id, dim = serving.rows.embedder_id, serving.rows.dim
        for new in documents:
            if new.embedder_id not in (None, embedder_id):
                raise EmbedderMismatch(
                    f"the vectors are of {new.embedder_id}, the collection's now of {embedder_id}: try again"
                )
            _check(new, dim)

    def _writable(self) -> Database:
        if self._generation is None:
            raise StorageUnavailable("the storage is closed: open it again")
        if self._database is None:
            raise StorageUnavailable("the storage was opened to read only: open it to write")
        return self._database

    def _publish(self, database: Database) -> None:
        """Bring the caches to what was committed, and answer from there. The commit stands either way."""
        rows = database.rows()
        try:
            with rows.held():
                self._replace(self._caught_up(rows))
        except StorageUnavailable:
            rows.retire()
            self._close()
            raise

    def _replace(self, generation: _Generation | None) -> None:
        with self._replacing:
            replaced, self._generation = self._generation, generation
        if replaced is not None:
            replaced.rows.retire()

    def _caught_up(self, rows: Rows) -> _Generation:
        if self._database is None:
            self._lexical = self._read_lexical(rows)
            return _Generation(
                rows, self._lexical.view(), self._caught_up_vectors(rows), self._caught_up_seeds(rows)
            )
        self._lexical = self._caught_up_lexical(rows)
        vectors, seeds = self._caught_up_vectors(rows), self._caught_up_seeds(rows)
        return _Generation(
            rows,
            self._lexical.view(),
            self._saved(vectors, _VECTORS, rows.vector_stamp) if vectors.is_due() else vectors,
            self._saved(seeds, _SEEDS, rows.stamp) if seeds.is_due() else seeds,
        )

    def _read_lexical(self, rows: Rows) -> LexicalIndex:
        return _first(
            lambda: LexicalIndex.existing(self._folder / _LEXICAL).verified(rows),
            lambda: LexicalIndex().caught_up(rows),
        )

    def _caught_up_lexical(self, rows: Rows) -> LexicalIndex:
        folder, known = self._folder / _LEXICAL, self._lexical

        def made_again() -> LexicalIndex:
            if known is not None:
                known.close()
            return LexicalIndex.emptied(folder).caught_up(rows)

        return _first(
            lambda: (known or LexicalIndex(folder)).caught_up(rows),
            made_again,
            lambda: LexicalIndex().caught_up(rows),
        )

    def _caught_up_vectors(self, rows: Rows) -> VectorIndex:
        path, serving = self._folder / _VECTORS, self._generation
        known = serving.vectors if serving and serving.rows.vector_stamp == rows.vector_stamp else None

        def made_again() -> VectorIndex:
            if self._database is not None:
                # Of a truth that was replaced by an older one, it could fit again after some more writes.
                path.unlink(missing_ok=True)
            return VectorIndex.empty(rows.dim).caught_up(rows)

        return _first(
            lambda: (known or VectorIndex.load(path, rows)).caught_up(rows),
            made_again,
        )

    def _caught_up_seeds(self, rows: Rows) -> SeedCache:
        path, known = self._folder / _SEEDS, self._generation.seeds if self._generation else None

        def made_again() -> SeedCache:
            if self._database is not None:
                # As with the vectors.
                path.unlink(missing_ok=True)
            return SeedCache().caught_up(rows)

        return _first(lambda: (known or SeedCache.load(path, rows)).caught_up(rows), made_again)

    def _saved(self, cache: _Saved, name: str, stamp: int) -> _Saved:
        try:
            return cache.saved(self._folder / name, stamp)
        except (OSError, RuntimeError):
            _log.warning(
                "%s could not be saved; it will be made again at the next start", name, exc_info=True
            )
            return cache

    def _join_lexical(self, rows: Rows) -> None:
        """Whatever fails here, the database too, must not keep the storage from closing."""
        if self._lexical is not None:
            try:
                with rows.held():
                    self._lexical.join(rows)
            except Exception:
                _log.warning("the lexical index could not be made one; it serves as it is", exc_info=True)

    def _close(self) -> None:
        generation = self._generation
        if generation is None:
            return
        if self._database is None:
            generation.rows.release()
        else:
            if generation.vectors.unsaved:
                self._saved(generation.vectors, _VECTORS, generation.rows.vector_stamp)
            if generation.seeds.unsaved:
                self._saved(generation.seeds, _SEEDS, generation.rows.stamp)
            self._join_lexical(generation.rows)
        self._replace(None)
        if self._lexical is not None:
            self._lexical.close()
        self._opened.close()


def _first(*ways: Callable[[], _Cache]) -> _Cache:
    """What the first of `ways` that does not fail returns. The caches are worth no more care than this: they
    may be damaged in any way, and the database has all that is in them."""
    failures: list[Exception] = []
    for way in ways:
        try:
            return way()
        except Exception as error:
            _log.info("an index is made again: %s", error)
            failures.append(error)
    raise StorageUnavailable(
        "the indexes cannot be made: free some memory and disk, and start again"
    ) from failures[-1]


def _check(new: NewDocument, dim: int) -> None:
    segments = sum(len(passage.segments) for passage in new.document.passages)
    if len(new.entries) != segments or np.shape(new.vectors) != (segments, dim):
        raise ValueError(
            f"{segments} segments need as many entries, and vectors of shape ({segments}, {dim})"
        )
    if not np.isfinite(new.vectors).all():
        raise ValueError("a vector holds a value that is not a number")
    for entry in new.entries:
        if _LINE.fullmatch(entry.line) is None:
            raise ValueError("a term is empty or holds white space")
        entry.line.encode()
