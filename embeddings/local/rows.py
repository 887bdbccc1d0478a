"""What is read of the database, at one generation."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from embeddings.attributes import Attribute
from embeddings.errors import DocumentNotFound, StorageUnavailable
from embeddings.filters import Filter
from embeddings.local.conditions import sql_of
from embeddings.local.decoding import (
    decode_copy,
    decode_document,
    decode_heading,
    decode_metadata,
    decode_passage,
    decode_segment,
    decode_sketch,
    decode_vectors,
)
from embeddings.resemblance import NEAR_DUPLICATE, keys, resemblance
from embeddings.storage import (
    DocumentHead,
    Facts,
    Resemblance,
    Scope,
    StoredCopy,
    StoredDocument,
    StoredPassage,
    StoredSegment,
)
from embeddings.types import Heading, Span, Vectors

_BLOCK = 4096
# Of a generation so much is kept in mind of documents and titles each.
_KNOWN_FACTS = 10_000
_Fact = TypeVar("_Fact")

_DAMAGED = "the database is damaged: restore it from a backup, or add the documents to a new collection"
_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: make room and try again",
    sqlite3.SQLITE_READONLY: "the storage folder cannot be written: check its permissions",
    sqlite3.SQLITE_PERM: "the storage folder cannot be read: check its permissions",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened: check the permissions of the storage folder",
    sqlite3.SQLITE_IOERR: "the disk fails to read or write: check it, and its free space",
    sqlite3.SQLITE_BUSY: "another process is using the database: stop it, or try again",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

_DOCUMENTS = """
    SELECT id, sha256, filename, encoding, {text}, title, metadata, marks, outline, passages, byte_length,
        added_at, attributes
    FROM documents
"""


@contextmanager
def refusals() -> Iterator[None]:
    """SQLite's refusals as StorageUnavailable; its complaints about our own mistakes as they are."""
    try:
        yield
    except sqlite3.Error as error:
        remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if remedy is None:
            raise
        raise StorageUnavailable(remedy) from error


def encode_text(text: str) -> bytes:
    """Any str at all, lone surrogates too, as SQLite text (through CAST, as NUL would end a bound one)."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "surrogatepass")


class Rows:
    """Reads from one connection, which stays in one read transaction for as long as anyone holds it.

    What the collection says of itself is known from the first `hold` on.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._holders = 0
        self._retired = False
        self._passage_counts: dict[str, int] = {}
        self._heads: dict[str, DocumentHead] = {}
        self.generation = 0
        self.segment_count = 0
        self.stamp = 0
        self.vector_stamp = 0
        self.embedder_id = ""
        self.dim = 0

    def hold(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._begin()
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._connection.rollback()
                self._close_if_done()

    @contextmanager
    def held(self) -> Iterator[None]:
        self.hold()
        try:
            yield
        finally:
            self.release()

    def retire(self) -> None:
        """Close as soon as nobody holds it."""
        with self._lock:
            self._retired = True
            self._close_if_done()

    def segments(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        rows = self._fetch(
            "SELECT s.id, s.start, s.end, p.id, p.start, p.end, p.text, p.paragraph, p.page, p.is_heading,"
            " s.topic, p.places, d.id, d.title, p.digest FROM segments s JOIN passages p ON p.id = s.passage"
            " JOIN documents d ON d.position = p.document WHERE s.id IN (SELECT value FROM json_each(?))",
            json.dumps(list(segment_ids)),
        )
        by_id = {row[0]: decode_segment(row) for row in rows}
        return [by_id[segment_id] for segment_id in segment_ids]

    def passage_counts(self, titles: Sequence[str]) -> list[int]:
        counts = recalled(self._passage_counts, titles, self._read_passage_counts)
        return [counts.get(title, 0) for title in titles]

    def _read_passage_counts(self, titles: Sequence[str]) -> dict[str, int]:
        return dict(
            self._fetch(
                "SELECT title, sum(passages) FROM documents WHERE title IN (SELECT value FROM json_each(?))"
                " GROUP BY title",
                json.dumps(titles),
            )
        )

    def select(self, filter: Filter) -> Scope:
        where, parameters = sql_of(filter)
        rows = self._fetch(
            f"SELECT position, first_segment, segments FROM documents WHERE {where} ORDER BY position",
            *parameters,
        )
        columns = np.array(rows, np.int64).reshape(-1, 3).T
        return Scope(*columns)

    def copies(
        self, segments: Sequence[StoredSegment], limit: int, scope: Scope | None
    ) -> list[tuple[list[StoredCopy], int]]:
        rows = self._fetch(
            "SELECT p.digest, p.id, p.document, p.start, p.end, p.paragraph, p.page, p.places, d.id"
            " FROM passages p JOIN documents d ON d.position = p.document"
            " WHERE p.digest IN (SELECT value FROM json_each(?)) ORDER BY p.id",
            json.dumps([segment.digest for segment in segments]),
        )
        if scope is not None:
            kept = np.isin([row[2] for row in rows], scope.positions)
            rows = [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]
        same: dict[int, list[Any]] = {segment.digest: [] for segment in segments}
        for row in rows:
            same[row[0]].append(row)
        found = []
        for segment in segments:
            others = [row[3:] for row in same[segment.digest] if row[1] != segment.passage_id]
            found.append(([decode_copy(*row) for row in others[:limit]], len(others)))
        return found

    def near_duplicates(self, document_id: str, limit: int) -> list[Resemblance]:
        position = self._position(document_id)
        rows = self._fetch("SELECT hashes FROM sketches WHERE document = ?", position)
        if not rows:
            return []
        mine = decode_sketch(rows[0][0])
        candidates = self._fetch(
            "SELECT d.id, d.title, d.filename, s.hashes FROM (SELECT document, count(*) AS shared FROM sketch_keys"
            " WHERE hash IN (SELECT value FROM json_each(?)) AND document <> ? GROUP BY document"
            " ORDER BY shared DESC LIMIT 200) k"
            " JOIN documents d ON d.position = k.document JOIN sketches s ON s.document = k.document",
            json.dumps(keys(mine)),
            position,
        )
        found = [
            Resemblance(id, title, filename, resemblance(mine, decode_sketch(hashes)))
            for id, title, filename, hashes in candidates
        ]
        near = [other for other in found if other.share >= NEAR_DUPLICATE]
        return sorted(near, key=lambda other: (-other.share, other.document_id))[:limit]

    def facts(self) -> Facts:
        (row,) = self._fetch(
            "SELECT model, embedder_id, dim, settings, generation, (SELECT count(*) FROM documents),"
            " (SELECT coalesce(sum(passages), 0) FROM documents), segments,"
            " (SELECT coalesce(sum(byte_length), 0) FROM documents), (SELECT model FROM reindexing)"
            " FROM collection"
        )
        return Facts(*row)

    def vectors(self, segment_ids: Sequence[int], dim: int) -> Vectors:
        by_id = dict(
            self._fetch(
                "SELECT segment, vector FROM vectors WHERE segment IN (SELECT value FROM json_each(?))",
                json.dumps(list(segment_ids)),
            )
        )
        return decode_vectors([by_id[segment_id] for segment_id in segment_ids]).reshape(-1, dim)

    def heads(self, document_ids: Sequence[str]) -> list[DocumentHead]:
        """Raises: DocumentNotFound."""
        by_id = recalled(self._heads, document_ids, self._read_heads)
        for document_id in document_ids:
            if document_id not in by_id:
                raise DocumentNotFound(f"document {document_id!r} is not in the collection")
        return [by_id[document_id] for document_id in document_ids]

    def _read_heads(self, document_ids: Sequence[str]) -> dict[str, DocumentHead]:
        rows = self._fetch(
            "SELECT id, sha256, filename, title, metadata FROM documents"
            " WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(document_ids),
        )
        return {
            id: DocumentHead(id, sha256, filename, title, decode_metadata(metadata))
            for id, sha256, filename, title, metadata in rows
        }

    def document(self, document_id: str) -> StoredDocument:
        (row,) = self._fetch(
            _DOCUMENTS.format(text="text") + "JOIN contents ON document = position WHERE position = ?",
            self._position(document_id),
        )
        return decode_document(row)

    def list_documents(
        self, offset: int, limit: int, filter: Filter | None, newest_first: bool
    ) -> tuple[list[StoredDocument], int]:
        where, parameters = sql_of(filter) if filter else ("TRUE", [])
        order = (
            "(SELECT value FROM facts WHERE document = position AND field = 'date') DESC NULLS LAST, position"
            if newest_first
            else "position"
        )
        rows = self._fetch(
            _DOCUMENTS.format(text="''") + f"WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            *parameters,
            limit,
            offset,
        )
        ((total,),) = self._fetch(f"SELECT count(*) FROM documents WHERE {where}", *parameters)
        return [decode_document(row) for row in rows], total

    def document_ids(self, origin: str | None) -> set[str]:
        if origin is None:
            rows = self._fetch("SELECT id FROM documents")
        else:
            rows = self._fetch("SELECT id FROM documents WHERE origin = CAST(? AS TEXT)", encode_text(origin))
        return {document_id for (document_id,) in rows}

    def held_ids(self, document_ids: Sequence[str]) -> set[str]:
        rows = self._fetch(
            "SELECT id FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(document_ids)),
        )
        return {document_id for (document_id,) in rows}

    def attributes(self, document_ids: Sequence[str]) -> dict[str, dict[str, Attribute]]:
        rows = self._fetch(
            "SELECT id, attributes FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(document_ids)),
        )
        return {document_id: json.loads(attributes) for document_id, attributes in rows}

    def attribute_names(self) -> set[str]:
        # From one name to the next by the index: however many documents have it, one step each.
        rows = self._fetch(
            "WITH RECURSIVE names(name) AS (SELECT min(name) FROM attributes UNION ALL"
            " SELECT (SELECT min(a.name) FROM attributes a WHERE a.name > names.name) FROM names"
            " WHERE name IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL"
        )
        return {name for (name,) in rows}

    def passages(self, document_id: str) -> list[tuple[Span, int, bool]]:
        rows = self._fetch(
            "SELECT start, end, paragraph, is_heading FROM passages WHERE document = ? ORDER BY id",
            self._position(document_id),
        )
        return [(Span(start, end), paragraph, bool(is_heading)) for start, end, paragraph, is_heading in rows]

    def text(self, document_id: str) -> str:
        ((text,),) = self._fetch("SELECT text FROM contents WHERE document = ?", self._position(document_id))
        return str(text)

    def outline(self, document_id: str) -> tuple[Heading, ...]:
        ((outline,),) = self._fetch(
            "SELECT outline FROM documents WHERE position = ?", self._position(document_id)
        )
        return tuple(decode_heading(*heading) for heading in json.loads(outline))

    def passages_at(self, document_id: str, positions: Sequence[int]) -> list[StoredPassage]:
        document = self._position(document_id)
        rows = self._fetch(
            "SELECT p.start, p.end, p.paragraph, p.page, p.is_heading, p.places FROM json_each(?) AS wanted"
            " JOIN passages p ON p.id = coalesce("
            "(SELECT max(id) FROM passages WHERE document = ? AND start <= wanted.value),"
            " (SELECT min(id) FROM passages WHERE document = ?)) ORDER BY wanted.key",
            json.dumps(list(positions)),
            document,
            document,
        )
        return [decode_passage(*row) for row in rows]

    def original(self, document_id: str) -> bytes:
        ((original,),) = self._fetch(
            "SELECT original FROM contents WHERE document = ?", self._position(document_id)
        )
        return bytes(original)

    def removed_since(self, generation: int) -> npt.NDArray[np.int64]:
        """The ids of the segments removed by later generations than `generation`."""
        ranges = self._fetch("SELECT first_segment, segments FROM removals WHERE generation > ?", generation)
        return np.fromiter(chain.from_iterable(range(first, first + n) for first, n in ranges), np.int64)

    def terms_since(self, generation: int) -> Iterator[tuple[int, int, str]]:
        """Segments added by later generations than `generation`: ids, positions of their documents, and terms
        joined by blanks."""
        for block in self._blocks(
            "SELECT first_segment, position, lines FROM documents JOIN terms ON document = position"
            " WHERE generation > ? AND segments > 0",
            generation,
        ):
            for first_segment, position, lines in block:
                for id, terms in enumerate(zlib.decompress(lines).decode().split("\n"), first_segment):
                    yield id, position, terms

    def vectors_since(self, generation: int) -> Iterator[tuple[npt.NDArray[np.int64], Vectors]]:
        """Segments added by later generations than `generation`, in blocks: ids, and their vectors."""
        for block in self._blocks(
            "SELECT segment, vector FROM documents JOIN vectors"
            " ON segment BETWEEN first_segment AND first_segment + segments - 1 WHERE generation > ?",
            generation,
        ):
            ids, vectors = zip(*block, strict=True)
            yield np.array(ids, np.int64), decode_vectors(vectors).reshape(len(ids), -1)

    def removed_documents_since(self, generation: int) -> npt.NDArray[np.int64]:
        """The first segments of the documents removed by later generations than `generation`."""
        rows = self._fetch(
            "SELECT first_segment FROM removals WHERE generation > ? AND segments > 0", generation
        )
        return np.fromiter((first_segment for (first_segment,) in rows), np.int64)

    def texts_since(self, generation: int) -> Iterator[list[tuple[int, int, str, str]]]:
        """Documents added by later generations than `generation`, in blocks: their first segment and how many
        there are, id and text."""
        return self._blocks(
            "SELECT first_segment, segments, id, text FROM documents JOIN contents ON document = position"
            " WHERE generation > ? AND segments > 0 ORDER BY position",
            generation,
        )

    def _begin(self) -> None:
        with refusals():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
            # Reading, not BEGIN, is what fixes the generation.
            self.generation, self.segment_count, self.stamp, self.vector_stamp, self.embedder_id, self.dim = (
                self._connection.execute(
                    "SELECT generation, segments, stamp, vector_stamp, embedder_id, dim FROM collection"
                ).fetchone()
            )

    def _close_if_done(self) -> None:
        if self._retired and self._holders == 0:
            self._connection.close()

    def _position(self, document_id: str) -> int:
        # One id as a list of one: a str that SQLite cannot bind is then simply not found.
        rows = self._fetch(
            "SELECT id, position FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps([document_id]),
        )
        if not rows or rows[0][0] != document_id:
            raise DocumentNotFound(f"document {document_id!r} is not in the collection")
        return int(rows[0][1])

    def _fetch(self, sql: str, *parameters: object) -> list[Any]:
        # One statement at a time: the module shares prepared statements between threads.
        with self._lock, refusals():
            return self._connection.execute(sql, parameters).fetchall()

    def _blocks(self, sql: str, *parameters: object) -> Iterator[list[Any]]:
        with self._lock, refusals():
            cursor = self._connection.execute(sql, parameters)
        while True:
            with self._lock, refusals():
                block = cursor.fetchmany(_BLOCK)
            if not block:
                return
            yield block


def recalled(
    known: dict[str, _Fact],
    keys: Sequence[str],
    read: Callable[[Sequence[str]], dict[str, _Fact]],
    most: int = _KNOWN_FACTS,
) -> dict[str, _Fact]:
    """What is `known` of `keys`; the rest is read, and kept in mind until about `most` are known."""
    facts = {key: known[key] for key in keys if key in known}
    missing = [key for key in dict.fromkeys(keys) if key not in facts]
    if missing:
        new = read(missing)
        facts.update(new)
        if len(known) < most:
            known.update(new)
    return facts
