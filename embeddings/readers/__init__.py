"""Bytes of a file to a `Document`. `kinds` decides the format; one file reads each, binary ones in a child process."""

import hashlib
from dataclasses import replace
from pathlib import PurePath

from embeddings.errors import EmptyText, TooLarge, UnsupportedFormat
from embeddings.readers.archive import ArchivedFile, is_archive, read_archive
from embeddings.readers.extract import Extract
from embeddings.readers.isolation import extract_in_child
from embeddings.readers.kinds import DOCUMENT_SUFFIXES, OFFICE_KINDS, Kind, recognise
from embeddings.readers.office import to_docx
from embeddings.readers.text import decode
from embeddings.structure import read_structure
from embeddings.types import Document

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "ArchivedFile",
    "identify",
    "is_archive",
    "is_readable",
    "read",
    "read_archive",
]

MAX_DOCUMENT_BYTES = 64 << 20
_ID_DIGITS = 32


def identify(data: bytes) -> str:
    """The id of the document in these bytes: the beginning of their SHA-256."""
    return _hash(data)[:_ID_DIGITS]


def is_readable(filename: str) -> bool:
    """Whether there is a reader for files of this name."""
    return PurePath(filename).suffix.lower() in DOCUMENT_SUFFIXES


def read(data: bytes, *, filename: str) -> Document:
    """The document in a file. Its bytes tell the format, and its name where they do not; it is kept as its name.

    Raises:
        UnsupportedFormat, UnreadableDocument, EmptyText, TooLarge: the file is refused, by name.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"“{filename}” is longer than is read: at most {MAX_DOCUMENT_BYTES:,} bytes. Split it."
        )
    if not data:
        raise EmptyText(f"“{filename}” is empty.")
    extract = _extract(recognise(data, filename=filename), data, filename)
    return _document(data, filename=filename, extract=extract)


def _extract(kind: Kind, data: bytes, filename: str) -> Extract:
    if kind is Kind.ARCHIVE:
        raise UnsupportedFormat(
            f"“{filename}” is a zip archive, not a document: unpack it and add the documents in it."
        )
    if kind is Kind.TEXT:
        return Extract(*decode(data, filename=filename))
    if kind in OFFICE_KINDS:
        docx = to_docx(data, kind=kind, filename=filename)
        return replace(extract_in_child(Kind.DOCX, docx, filename=filename), encoding=kind)
    return extract_in_child(kind, data, filename=filename)


def _document(data: bytes, *, filename: str, extract: Extract) -> Document:
    sha256 = _hash(data)
    structure = read_structure(
        extract.text,
        marks=extract.marks,
        page_starts=extract.page_starts,
        is_web_page=extract.is_web_page,
    )
    metadata = structure.metadata
    return Document(
        id=sha256[:_ID_DIGITS],
        sha256=sha256,
        filename=filename,
        original=data,
        encoding=extract.encoding,
        text=extract.text,
        title=metadata.title.value if metadata.title else PurePath(filename).stem,
        metadata=metadata,
        marks=structure.marks,
        outline=structure.outline,
        passages=structure.passages,
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
