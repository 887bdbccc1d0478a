"""Bytes of a file to a `Document`. One place decides the format; one file reads each."""

import hashlib
from pathlib import PurePath

from embeddings.errors import TooLarge, UnsupportedFormat
from embeddings.readers.text import decode
from embeddings.structure import read_structure
from embeddings.types import Document

TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ""})
MAX_DOCUMENT_BYTES = 64 << 20
_ID_DIGITS = 32
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive or an Office file (docx, xlsx, pptx, ofd)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (doc, wps, xls)"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"{\\rtf", "an RTF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
)


def identify(data: bytes) -> str:
    """The id of the document in these bytes: the beginning of their SHA-256."""
    return _hash(data)[:_ID_DIGITS]


def is_readable(filename: str) -> bool:
    """Whether there is a reader for files of this name."""
    return PurePath(filename).suffix.lower() in TEXT_SUFFIXES


def read(data: bytes, *, filename: str) -> Document:
    """The document in a file. `filename` is kept as its name; its suffix and the first bytes tell the format.

    Raises:
        UnsupportedFormat, UnreadableDocument, EmptyText, TooLarge: the file is refused, by name.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"“{filename}” is longer than is read: at most {MAX_DOCUMENT_BYTES:,} bytes. Split it."
        )
    kind = next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)
    if kind or not is_readable(filename):
        kind = kind or f"a {PurePath(filename).suffix} file"
        raise UnsupportedFormat(f"“{filename}” is {kind}; text files (.txt, .md) are read. Save it as text.")
    text, encoding = decode(data, filename=filename)
    return _document(data, filename=filename, text=text, encoding=encoding)


def _document(data: bytes, *, filename: str, text: str, encoding: str) -> Document:
    sha256 = _hash(data)
    structure = read_structure(text)
    metadata = structure.metadata
    return Document(
        id=sha256[:_ID_DIGITS],
        sha256=sha256,
        filename=filename,
        original=data,
        encoding=encoding,
        text=text,
        title=metadata.title.value if metadata.title else PurePath(filename).stem,
        metadata=metadata,
        marks=structure.marks,
        outline=structure.outline,
        passages=structure.passages,
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
