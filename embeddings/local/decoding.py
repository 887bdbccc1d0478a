"""What the columns of rows say, as objects. The inverse of what `database` writes."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from embeddings.resemblance import Sketch
from embeddings.storage import Place, StoredCopy, StoredDocument, StoredPassage, StoredSegment
from embeddings.types import Field, Heading, Mark, Metadata, Span, Vectors

# Passages under one heading have the same places; so many are kept in mind, if they are as short as usual.
_KNOWN_PLACES, _MAX_KNOWN_CHARS = 4096, 2_000


def decode_sketch(hashes: bytes) -> Sketch:
    return np.frombuffer(hashes, "<i8").astype(np.int64)


def decode_vectors(halves: Sequence[bytes]) -> Vectors:
    return np.frombuffer(b"".join(halves), "<f2").astype(np.float32)


def decode_segment(row: Sequence[Any]) -> StoredSegment:
    id, start, end, passage_id, passage_start, passage_end, text, *place = row
    paragraph, page, is_heading, topic, places, document_id, title, same = place
    # By position: a question reads a hundred of them.
    return StoredSegment(
        id,
        Span(start, end),
        passage_id,
        Span(passage_start, passage_end),
        text,
        paragraph,
        page,
        bool(is_heading),
        topic,
        _places(places),
        document_id,
        title,
        same,
    )


def decode_copy(
    start: int, end: int, paragraph: int, page: int | None, places: str, document_id: str
) -> StoredCopy:
    return StoredCopy(Span(start, end), paragraph, page, _places(places), document_id)


def _places(encoded: str) -> tuple[Place, ...]:
    return _known_places(encoded) if len(encoded) <= _MAX_KNOWN_CHARS else _read_places(encoded)


def _read_places(encoded: str) -> tuple[Place, ...]:
    return tuple([Place(label, Span(start, end)) for label, start, end in json.loads(encoded)])


_known_places = lru_cache(maxsize=_KNOWN_PLACES)(_read_places)


def decode_passage(
    start: int, end: int, paragraph: int, page: int | None, is_heading: int, places: str
) -> StoredPassage:
    return StoredPassage(
        Span(start, end),
        paragraph,
        page,
        bool(is_heading),
        _places(places),
    )


def decode_document(row: tuple[Any, ...]) -> StoredDocument:
    id, sha256, filename, encoding, text, title, metadata, marks, outline, *counted = row
    passages, byte_length, added_at, attributes = counted
    return StoredDocument(
        id=id,
        sha256=sha256,
        filename=filename,
        encoding=encoding,
        text=text,
        title=title,
        metadata=decode_metadata(metadata),
        marks=tuple(Mark(Span(start, end), reason) for start, end, reason in json.loads(marks)),
        outline=tuple(decode_heading(*heading) for heading in json.loads(outline)),
        passages=passages,
        byte_length=byte_length,
        added_at=added_at,
        attributes=json.loads(attributes),
    )


def decode_metadata(encoded: str) -> Metadata:
    fields = json.loads(encoded).items()
    return Metadata(**{name: Field(value, Span(start, end)) for name, (value, start, end) in fields})


def decode_heading(
    start: int, end: int, extent_start: int, extent_end: int, level: int, number: int, parent: int | None
) -> Heading:
    return Heading(Span(start, end), Span(extent_start, extent_end), level, number, parent)
