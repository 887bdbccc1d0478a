"""LocalStorage: documents in SQLite, with a tantivy and a FAISS index kept at the same generation."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from embeddings.errors import StorageUnavailable
from embeddings.local.database import Database, open_rows
from embeddings.local.lexical import LexicalIndex, LexicalView
from embeddings.local.lock import FolderLock
from embeddings.local.rows import Rows
from embeddings.local.vectors import VectorIndex
from embeddings.storage import Candidate, DocumentHead, NewDocument, StoredDocument, StoredSegment
from embeddings.types import Span, Vectors

_log = logging.getLogger(__name__)

_LEXICAL = "lexical"
_VECTORS = "vectors.faiss"

_Cache = TypeVar("_Cache", LexicalIndex, VectorIndex)


@dataclass(frozen=True, slots=True)
class _Generation:
    """All that answers at one generation. Replaced as a whole, never changed."""

    rows: Rows
    lexical: LexicalView
    vectors: VectorIndex


class LocalSnapshot:
    """See `embeddings.storage.Snapshot`."""

    def __init__(self, generation: _Generation) -> None:
        self.generation = generation.rows.generation
        self._rows = generation.rows
        self._lexical = generation.lexical
        self._vectors = generation.vectors

    def nearest(self, vector: npt.NDArray[np.float32], k: int) -> list[Candidate]:
        return self._vectors.nearest(vector, k)

    def matching(self, terms: Sequence[str], k: int) -> list[Candidate]:
        return self._lexical.matching(terms, k)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        return self._lexical.frequencies(terms)

    def segment_count(self) -> int:
        return self._rows.segment_count

    def segments(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        return self._rows.segments(segment_ids)

    def vectors(self, segment_ids: Sequence[int]) -> Vectors:
        return self._rows.vectors(segment_ids, self._vectors.dim)

    def heads(self, document_ids: Sequence[str]) -> list[DocumentHead]:
        return self._rows.heads(document_ids)


class LocalStorage:
    """See `embeddings.storage.Storage`. Any number of threads may search while one of them adds or removes.

    A write moves the database on first, while searches stay with the generation they know: its read
    transaction is held open until the caches have caught up and the new generation is put in its place.
    """

    def __init__(self, folder: Path, *, embedder_id: str, dim: int, read_only: bool = False) -> None:
        """Opens the collection in `folder`; to write, it is made if there is none.

        To read only, it shows the generation that it finds, takes no lock and changes no file (SQLite may
        leave its two empty side files); indexes on disk that are of another generation are made in memory.

        Raises:
            StorageUnavailable: another process has the folder open to write, there is nothing to read, or the
                disk or the database cannot be used.
            EmbedderMismatch: another embedder made the vectors.
        """
        self._folder = folder
        self._dim = dim
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
                self._database = Database(folder, embedder_id=embedder_id, dim=dim)
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
        for new in documents:
            _check(new, self._dim)
        self._write(lambda database: database.add(documents, origin))

    def remove(self, document_ids: Sequence[str]) -> None:
        self._write(lambda database: database.remove(document_ids))

    @contextmanager
    def snapshot(self) -> Iterator[LocalSnapshot]:
        with self._held() as generation:
            yield LocalSnapshot(generation)

    def list_documents(self, *, offset: int, limit: int) -> tuple[list[StoredDocument], int]:
        with self._held() as generation:
            return generation.rows.list_documents(offset, limit)

    def document_ids(self, *, origin: str | None = None) -> set[str]:
        with self._held() as generation:
            return generation.rows.document_ids(origin)

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

    def _write(self, change: Callable[[Database], bool]) -> None:
        with self._writing:
            with self._held():
                if self._database is None:
                    raise StorageUnavailable("the storage was opened to read only: open it to write")
                if not change(self._database):
                    return
                self._publish(self._database)
            self._database.checkpoint()

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
            return _Generation(rows, self._lexical.view(), self._caught_up_vectors(rows))
        self._lexical = self._caught_up_lexical(rows)
        vectors = self._caught_up_vectors(rows)
        return _Generation(
            rows, self._lexical.view(), self._saved(vectors, rows) if vectors.is_due() else vectors
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
        path, known = self._folder / _VECTORS, self._generation.vectors if self._generation else None

        def made_again() -> VectorIndex:
            if self._database is not None:
                # Of a truth that was replaced by an older one, it could fit again after some more writes.
                path.unlink(missing_ok=True)
            return VectorIndex.empty(self._dim).caught_up(rows)

        return _first(
            lambda: (known or VectorIndex.load(path, rows, self._dim)).caught_up(rows),
            made_again,
        )

    def _saved(self, vectors: VectorIndex, rows: Rows) -> VectorIndex:
        try:
            return vectors.saved(self._folder / _VECTORS, rows.stamp)
        except (OSError, RuntimeError):
            _log.warning(
                "the vectors could not be saved; they will be made again at the next start", exc_info=True
            )
            return vectors

    def _close(self) -> None:
        generation = self._generation
        if generation is None:
            return
        if self._database is None:
            generation.rows.release()
        elif generation.vectors.unsaved:
            self._saved(generation.vectors, generation.rows)
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
        joined = " ".join(entry.terms)
        if joined.split() != list(entry.terms):
            raise ValueError("a term is empty or holds white space")
        joined.encode()
