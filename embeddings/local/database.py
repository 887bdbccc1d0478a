"""The truth: one SQLite file with the documents, their vectors and their terms. Knows no cache."""

import json
import secrets
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np

from embeddings.attributes import Attribute
from embeddings.errors import DocumentNotFound, EmbedderMismatch, StorageUnavailable
from embeddings.local.rows import Rows, decode_text, encode_text, refusals
from embeddings.local.schema import (
    NEXT_VECTORS,
    SCHEMA_VERSION,
    create,
    insert_facts,
    insert_sketch,
    metadata_json,
    put_attributes,
    upgrade,
)
from embeddings.resemblance import digest
from embeddings.storage import NewDocument
from embeddings.terms import fold
from embeddings.types import Document, Vectors, headings_over

_NAME = "wenyuan.sqlite3"
_BUSY_S = 5.0
# Three vectors of 512 dimensions on a page, where a page of 4 KiB would waste a quarter.
_PAGE_BYTES = 8192
_WAL_BYTES = 8 << 20
# Terms repeat each character of the text three times over: a third of the size for 12 µs a segment.
_ZLIB_LEVEL = 3
_FIRST_WITH_MODELS = 2


class Database:
    """The one connection that writes. Its caller sees to it that one thread at a time does."""

    def __init__(self, folder: Path, *, embedder_id: str, dim: int, model: str) -> None:
        """Opens the database in `folder`, or makes it.

        Raises:
            StorageUnavailable: it cannot be read or written, or a newer version wrote it.
            EmbedderMismatch: another embedder made its vectors.
        """
        self._path = folder / _NAME
        with refusals():
            self._connection = _connect(self._path, "mode=rwc")
            try:
                _prepare(self._connection, embedder_id, dim, model)
                _check(self._connection, embedder_id, dim)
            except BaseException:
                self._connection.close()
                raise

    def rows(self) -> Rows:
        with refusals():
            return Rows(_connect(self._path, "mode=ro"))

    def add(self, documents: Sequence[NewDocument], origin: str | None) -> bool:
        """Whether anything changed: documents that are there already are passed over."""
        with refusals(), self._transaction():
            held = self._positions([new.document.id for new in documents])
            missing: dict[str, NewDocument] = {}
            for new in documents:
                if new.document.id not in held:
                    missing.setdefault(new.document.id, new)
            if not missing:
                return False
            generation = self._next_generation()
            for new in missing.values():
                self._insert(new, origin, generation)
            self._count_segments(sum(len(new.entries) for new in missing.values()))
        return True

    def claim(self, document_ids: Sequence[str]) -> None:
        with refusals(), self._transaction():
            self._connection.execute(
                "UPDATE documents SET origin = NULL"
                " WHERE origin IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(document_ids)),),
            )

    def remove(self, document_ids: Sequence[str]) -> bool:
        """Whether anything changed. Raises: DocumentNotFound."""
        with refusals(), self._transaction():
            held = self._all_positions(document_ids)
            if not held:
                return False
            generation = self._next_generation()
            removed = sum(self._delete(position, generation) for position in held.values())
            self._count_segments(-removed)
        return True

    def replace(self, document_id: str, new: NewDocument) -> bool:
        """Whether anything changed. Raises: DocumentNotFound."""
        with refusals(), self._transaction():
            held = self._positions([document_id, new.document.id])
            if document_id not in held:
                raise DocumentNotFound(f"document {document_id!r} is not in the collection")
            if document_id == new.document.id:
                return False
            generation = self._next_generation()
            said = self._attributes(held[document_id])
            change = -self._delete(held[document_id], generation)
            if new.document.id not in held:
                self._insert(new, None, generation)
                put_attributes(self._connection, self._positions([new.document.id])[new.document.id], said)
                change += len(new.entries)
            self._count_segments(change)
        return True

    def set_attributes(self, attributes: Mapping[str, Mapping[str, Attribute]]) -> bool:
        """Whether anything changed. Raises: DocumentNotFound."""
        with refusals(), self._transaction():
            held = self._all_positions(list(attributes))
            changed = {
                position: attributes[document_id]
                for document_id, position in held.items()
                if self._attributes(position) != attributes[document_id]
            }
            for position, said in changed.items():
                put_attributes(self._connection, position, said)
            if changed:
                self._next_generation()
        return bool(changed)

    def describe(self, settings: str) -> bool:
        with refusals(), self._transaction():
            self._connection.execute("UPDATE collection SET settings = ?", (settings,))
            self._next_generation()
        return True

    def begin_reindex(self, model: str, embedder_id: str, dim: int) -> bool:
        with refusals(), self._transaction():
            begun = self._connection.execute("SELECT embedder_id FROM reindexing").fetchone()
            if begun != (embedder_id,):
                self._connection.execute("DELETE FROM reindexing")
                self._connection.execute("DROP TABLE IF EXISTS next_vectors")
                self._connection.execute(NEXT_VECTORS)
                self._connection.execute("INSERT INTO reindexing VALUES (?, ?, ?)", (embedder_id, dim, model))
                self._next_generation()
        return bool(begun != (embedder_id,))

    def reindex_store(self, segment_ids: Sequence[int], vectors: Vectors) -> bool:
        """Never a change of what answers."""
        halves = np.asarray(vectors).astype("<f2")
        with refusals(), self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO next_vectors SELECT id, ? FROM segments WHERE id = ?",
                ((half.tobytes(), id) for id, half in zip(segment_ids, halves, strict=True)),
            )
        return False

    def finish_reindex(self) -> bool:
        with refusals(), self._transaction():
            if not self._is_reindexing():
                return False
            ((missing,),) = self._connection.execute(
                "SELECT (SELECT count(*) FROM segments) - (SELECT count(*) FROM next_vectors)"
            )
            if missing:
                return False
            self._connection.execute("DROP TABLE vectors")
            self._connection.execute("ALTER TABLE next_vectors RENAME TO vectors")
            self._connection.execute(
                "UPDATE collection SET (embedder_id, dim, model, vector_stamp)"
                " = (SELECT embedder_id, dim, model, ? FROM reindexing)",
                (secrets.randbits(62),),
            )
            self._connection.execute("DELETE FROM reindexing")
            self._next_generation()
        return True

    def checkpoint(self) -> None:
        """Bring a long write-ahead log into the database file, as far as readers let it."""
        with suppress(OSError), refusals():
            if self._path.with_name(_NAME + "-wal").stat().st_size > _WAL_BYTES:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def reindex_progress(self) -> tuple[int, int]:
        with refusals():
            if not self._is_reindexing():
                return 0, 0
            (done, total) = self._connection.execute(
                "SELECT (SELECT count(*) FROM next_vectors), (SELECT segments FROM collection)"
            ).fetchone()
        return int(done), int(total)

    def reindex_next(self, limit: int) -> list[tuple[int, str, str, str]]:
        # Ids only grow, so what lacks a vector comes after the last that has one.
        with refusals():
            if not self._is_reindexing():
                return []
            rows = self._connection.execute(
                "SELECT s.id, d.title, s.topic, p.text, s.start - p.start, s.end - p.start FROM segments s"
                " JOIN passages p ON p.id = s.passage JOIN documents d ON d.position = p.document"
                " WHERE s.id > (SELECT coalesce(max(segment), 0) FROM next_vectors) ORDER BY s.id LIMIT ?",
                (limit,),
            ).fetchall()
        return [(id, title, topic, text[start:end]) for id, title, topic, text, start, end in rows]

    def _is_reindexing(self) -> bool:
        return self._connection.execute("SELECT 1 FROM reindexing").fetchone() is not None

    def close(self) -> None:
        with refusals():
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.rollback()
            raise

    def _next_generation(self) -> int:
        self._connection.execute("UPDATE collection SET generation = generation + 1")
        (generation,) = self._connection.execute("SELECT generation FROM collection").fetchone()
        return int(generation)

    def _count_segments(self, change: int) -> None:
        self._connection.execute("UPDATE collection SET segments = segments + ?", (change,))

    def _next_id(self, table: str) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 1 if row is None else row[0] + 1

    def _positions(self, document_ids: Sequence[str]) -> dict[str, int]:
        return dict(
            self._connection.execute(
                "SELECT id, position FROM documents WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(document_ids)),),
            )
        )

    def _all_positions(self, document_ids: Sequence[str]) -> dict[str, int]:
        """Raises: DocumentNotFound."""
        held = self._positions(document_ids)
        for document_id in document_ids:
            if document_id not in held:
                raise DocumentNotFound(f"document {document_id!r} is not in the collection")
        return held

    def _attributes(self, position: int) -> dict[str, Attribute]:
        (encoded,) = self._connection.execute(
            "SELECT attributes FROM documents WHERE position = ?", (position,)
        ).fetchone()
        said: dict[str, Attribute] = json.loads(encoded)
        return said

    def _insert(self, new: NewDocument, origin: str | None, generation: int) -> None:
        first_segment = self._next_id("segments")
        document, folded = new.document, new.folded
        if folded is None:
            folded = fold(document.text)
        position = self._insert_document(new, origin, generation, first_segment)
        insert_facts(self._connection, position, document.id, document.filename, document.metadata)
        insert_sketch(self._connection, position, folded)
        self._insert_passages(document, folded, position, first_segment)
        halves = np.asarray(new.vectors).astype("<f2")
        self._connection.executemany(
            "INSERT INTO vectors VALUES (?, ?)",
            ((first_segment + i, half.tobytes()) for i, half in enumerate(halves)),
        )
        lines = "\n".join(entry.line for entry in new.entries)
        self._connection.execute(
            "INSERT INTO terms VALUES (?, ?)", (position, zlib.compress(lines.encode(), _ZLIB_LEVEL))
        )

    def _insert_document(
        self, new: NewDocument, origin: str | None, generation: int, first_segment: int
    ) -> int:
        document = new.document
        cursor = self._connection.execute(
            "INSERT INTO documents VALUES (NULL, ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT),"
            " ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, '{}')",
            (
                document.id,
                document.sha256,
                encode_text(document.filename),
                document.encoding,
                encode_text(document.title),
                len(document.passages),
                len(document.original),
                datetime.now(UTC).isoformat(timespec="seconds"),
                None if origin is None else encode_text(origin),
                generation,
                first_segment,
                len(new.entries),
                metadata_json(document.metadata),
                json.dumps([[*mark.span, mark.reason] for mark in document.marks]),
                json.dumps([[*h.span, *h.extent, h.level, h.number, h.parent] for h in document.outline]),
            ),
        )
        assert cursor.lastrowid is not None
        self._connection.execute(
            "INSERT INTO contents VALUES (?, CAST(? AS TEXT), ?)",
            (cursor.lastrowid, encode_text(document.text), document.original),
        )
        return cursor.lastrowid

    def _insert_passages(self, document: Document, folded: str, position: int, first_segment: int) -> None:
        first_passage = self._next_id("passages")
        self._connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?)",
            _passage_rows(document, folded, position, first_passage),
        )
        ids = count(first_segment)
        self._connection.executemany(
            "INSERT INTO segments VALUES (?, ?, ?, ?, CAST(? AS TEXT))",
            (
                (
                    next(ids),
                    passage_id,
                    *segment.span,
                    encode_text(segment.topic.of(document.text) if segment.topic else ""),
                )
                for passage_id, passage in enumerate(document.passages, first_passage)
                for segment in passage.segments
            ),
        )

    def _delete(self, position: int, generation: int) -> int:
        """How many segments went with the document."""
        first_segment, segments = self._connection.execute(
            "SELECT first_segment, segments FROM documents WHERE position = ?", (position,)
        ).fetchone()
        self._connection.execute(
            "INSERT INTO removals VALUES (?, ?, ?)", (generation, first_segment, segments)
        )
        self._connection.execute("DELETE FROM documents WHERE position = ?", (position,))
        return int(segments)


def has_collection(folder: Path) -> bool:
    return (folder / _NAME).is_file()


def read_model(folder: Path) -> str | None:
    """What the collection in `folder` says its model is; None if there is no collection, or it does not say.

    Raises: StorageUnavailable: it cannot be read.
    """
    if not has_collection(folder):
        return None
    with refusals(), closing(_connect_to_read(folder / _NAME)) as connection:
        if not _FIRST_WITH_MODELS <= _schema_version(connection) <= SCHEMA_VERSION:
            return None
        (model,) = connection.execute("SELECT model FROM collection").fetchone()
        return str(model) or None


def open_rows(folder: Path, *, embedder_id: str, dim: int) -> Rows:
    """The database in `folder`, to read only, at the generation that it has now.

    Raises: the same as `Database`, and StorageUnavailable if there is none.
    """
    path = folder / _NAME
    if not path.is_file():
        raise StorageUnavailable("there is no collection yet: add documents first")
    with refusals():
        connection = _connect_to_read(path)
        try:
            _check(connection, embedder_id, dim)
        except BaseException:
            connection.close()
            raise
    return Rows(connection)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "mode=ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if _has_log(path):
            raise
        # SQLite wants to make its lock file beside the database, and this folder does not let it: so there
        # can be no writer either.
        return _connect(path, "immutable=1")
    return connection


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_S,
    )
    connection.text_factory = decode_text
    return connection


def _prepare(connection: sqlite3.Connection, embedder_id: str, dim: int, model: str) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Checkpoints are made after publishing, when no reader holds an older generation: made at the commit they
    # would never reach the end of the log.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    version = _schema_version(connection)
    if version == 0:
        create(connection, embedder_id, dim, model)
    elif version < SCHEMA_VERSION:
        upgrade(connection, version)


def _check(connection: sqlite3.Connection, embedder_id: str, dim: int) -> None:
    version = _schema_version(connection)
    if version == 0:
        raise StorageUnavailable("there is no collection yet: add documents first")
    if version > SCHEMA_VERSION:
        raise StorageUnavailable(
            f"a newer wenyuan wrote this collection (format {version}, this one reads {SCHEMA_VERSION}):"
            " upgrade wenyuan"
        )
    if version < SCHEMA_VERSION:
        raise StorageUnavailable(
            "an older wenyuan wrote this collection: open it to write once, with `wenyuan serve` or `wenyuan add`"
        )
    held = connection.execute("SELECT embedder_id, dim FROM collection").fetchone()
    if held != (embedder_id, dim):
        raise EmbedderMismatch(
            f"the collection was made with the model {held[0]} ({held[1]} dimensions), not with {embedder_id}"
            f" ({dim} dimensions): run `wenyuan reindex`, or serve it with {held[0]}"
        )


def _schema_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _passage_rows(
    document: Document, folded: str, position: int, first_passage: int
) -> Iterator[tuple[object, ...]]:
    text, outline = document.text, document.outline
    reaching = headings_over(outline, [passage.span for passage in document.passages])
    for id, p, headings in zip(count(first_passage), document.passages, reaching, strict=False):
        places = json.dumps([[outline[i].span.of(text), *outline[i].extent] for i in headings])
        shown = encode_text(p.span.of(text))
        same = digest(p.span.of(folded))
        yield id, position, *p.span, p.paragraph, p.page, p.heading, p.is_heading, shown, places, same
