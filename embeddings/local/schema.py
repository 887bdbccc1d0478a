"""The tables of a collection, and how those of an older format become these."""

import json
import secrets
import sqlite3
from collections.abc import Mapping

from embeddings.attributes import Attribute
from embeddings.filters import FILTER_FIELDS, spell
from embeddings.local.conditions import kind_of
from embeddings.local.rows import encode_text
from embeddings.resemblance import digest, keys, sketch
from embeddings.structure import read_structure
from embeddings.terms import fold
from embeddings.types import Metadata

SCHEMA_VERSION = 4

SCHEMA = """
CREATE TABLE collection (
    stamp INTEGER NOT NULL, -- tells this database from any other that the caches may have been made of
    embedder_id TEXT NOT NULL,
    dim INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    vector_stamp INTEGER NOT NULL DEFAULT 0, -- changes with the embedder
    model TEXT NOT NULL DEFAULT '', -- what to load the embedder by
    settings TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    filename TEXT NOT NULL,
    encoding TEXT NOT NULL,
    title TEXT NOT NULL,
    passages INTEGER NOT NULL,
    byte_length INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    origin TEXT,
    generation INTEGER NOT NULL,
    first_segment INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    marks TEXT NOT NULL,
    outline TEXT NOT NULL
);
CREATE INDEX documents_by_generation ON documents (generation);
CREATE INDEX documents_by_origin ON documents (origin) WHERE origin IS NOT NULL;
CREATE TABLE contents (
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    text TEXT NOT NULL,
    original BLOB NOT NULL
);
CREATE TABLE terms ( -- one line a segment, one blank between terms, zlib
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    lines BLOB NOT NULL
);
CREATE TABLE passages ( -- the text is kept again: cutting it out of a long document takes 0.4 ms each
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    paragraph INTEGER NOT NULL,
    page INTEGER,
    heading INTEGER,
    is_heading INTEGER NOT NULL,
    text TEXT NOT NULL,
    places TEXT NOT NULL,
    digest INTEGER NOT NULL DEFAULT 0 -- of the folded text
);
CREATE INDEX passages_by_document ON passages (document);
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    passage INTEGER NOT NULL REFERENCES passages ON DELETE CASCADE,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    topic TEXT NOT NULL
);
CREATE INDEX segments_by_passage ON segments (passage);
CREATE TABLE vectors ( -- float16, little-endian
    segment INTEGER PRIMARY KEY REFERENCES segments ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE TABLE removals ( -- a document's segments have neighbouring ids, so one row a removed document
    generation INTEGER NOT NULL,
    first_segment INTEGER NOT NULL,
    segments INTEGER NOT NULL
);
CREATE INDEX removals_by_generation ON removals (generation);
"""

ADDITIONS = """
CREATE INDEX passages_by_digest ON passages (digest);
CREATE TABLE facts ( -- what filters ask for, in one spelling
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    PRIMARY KEY (field, value, document)
) WITHOUT ROWID;
CREATE INDEX facts_by_document ON facts (document);
CREATE TABLE sketches ( -- see embeddings.resemblance; int64, little-endian
    document INTEGER PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    hashes BLOB NOT NULL
);
CREATE TABLE sketch_keys (
    hash INTEGER NOT NULL,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    PRIMARY KEY (hash, document)
) WITHOUT ROWID;
CREATE INDEX sketch_keys_by_document ON sketch_keys (document);
CREATE TABLE reindexing ( -- at most one row: the embedder whose vectors are being made
    embedder_id TEXT NOT NULL,
    dim INTEGER NOT NULL,
    model TEXT NOT NULL
);
"""
ATTRIBUTES = """
ALTER TABLE documents ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
CREATE TABLE attributes ( -- what filters ask for of them; a truth is 0 or 1
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value NOT NULL,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    PRIMARY KEY (name, kind, value, document)
) WITHOUT ROWID;
CREATE INDEX attributes_by_document ON attributes (document);
"""
TITLES = """
CREATE INDEX documents_by_title ON documents (title, passages);
"""
NEXT_VECTORS = """
CREATE TABLE next_vectors (
    segment INTEGER PRIMARY KEY REFERENCES segments ON DELETE CASCADE,
    vector BLOB NOT NULL
);
"""


def create(connection: sqlite3.Connection, embedder_id: str, dim: int, model: str) -> None:
    connection.executescript(
        f"BEGIN IMMEDIATE; {SCHEMA} {ADDITIONS} {ATTRIBUTES} {TITLES} PRAGMA user_version = {SCHEMA_VERSION};"
    )
    connection.execute(
        "INSERT INTO collection VALUES (?, ?, ?, 0, 0, ?, ?, '{}')",
        (secrets.randbits(62), embedder_id, dim, secrets.randbits(62), model),
    )
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """From an older format. All or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version < 2:
            _add_filters(connection)
        if version < 3:
            _execute_all(connection, ATTRIBUTES)
        _execute_all(connection, TITLES)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _add_filters(connection: sqlite3.Connection) -> None:
    """Format 1 had no filters, no digests, no sketches."""
    _execute_all(
        connection,
        "ALTER TABLE collection ADD COLUMN vector_stamp INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE collection ADD COLUMN model TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE collection ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';"
        f"ALTER TABLE passages ADD COLUMN digest INTEGER NOT NULL DEFAULT 0; {ADDITIONS}",
    )
    connection.execute("UPDATE collection SET vector_stamp = stamp")
    connection.create_function("digest_of", 1, lambda text: digest(fold(text)), deterministic=True)
    connection.execute("UPDATE passages SET digest = digest_of(text)")
    for position, id, filename in connection.execute(
        "SELECT position, id, filename FROM documents"
    ).fetchall():
        (text,) = connection.execute("SELECT text FROM contents WHERE document = ?", (position,)).fetchone()
        metadata = read_structure(text).metadata
        connection.execute(
            "UPDATE documents SET metadata = ? WHERE position = ?", (metadata_json(metadata), position)
        )
        insert_facts(connection, position, id, filename, metadata)
        insert_sketch(connection, position, fold(text))


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """`executescript` would commit what came before."""
    pending = ""
    for part in script.split(";"):
        pending += f"{part};"
        if sqlite3.complete_statement(pending):
            connection.execute(pending)
            pending = ""


def metadata_json(metadata: Metadata) -> str:
    fields = ((name, getattr(metadata, name)) for name in Metadata.__dataclass_fields__)
    return json.dumps({name: [field.value, *field.span] for name, field in fields if field is not None})


def insert_facts(
    connection: sqlite3.Connection, position: int, id: str, filename: str, metadata: Metadata
) -> None:
    values = {"document_id": id, "filename": filename}
    for name in FILTER_FIELDS:
        field = getattr(metadata, name, None)
        if field is not None:
            values[name] = field.value
    connection.executemany(
        "INSERT INTO facts VALUES (?, CAST(? AS TEXT), ?)",
        [(name, encode_text(spell(name, value)), position) for name, value in values.items()],
    )


def put_attributes(
    connection: sqlite3.Connection, position: int, attributes: Mapping[str, Attribute]
) -> None:
    """In the place of those that the document had."""
    connection.execute(
        "UPDATE documents SET attributes = ? WHERE position = ?", (json.dumps(dict(attributes)), position)
    )
    connection.execute("DELETE FROM attributes WHERE document = ?", (position,))
    connection.executemany(
        "INSERT INTO attributes VALUES (?, ?, ?, ?)",
        [(name, kind_of(value), value, position) for name, value in attributes.items()],
    )


def insert_sketch(connection: sqlite3.Connection, position: int, folded: str) -> None:
    hashes = sketch(folded)
    connection.execute("INSERT INTO sketches VALUES (?, ?)", (position, hashes.astype("<i8").tobytes()))
    connection.executemany(
        "INSERT INTO sketch_keys VALUES (?, ?)", [(hash, position) for hash in keys(hashes)]
    )
