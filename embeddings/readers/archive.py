"""zip archives: the files in them, with names in the encoding they were written in, nested archives unpacked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from embeddings.errors import InvalidInput, TooLarge, UnsupportedFormat
from embeddings.readers.kinds import ARCHIVE_SUFFIX, Kind, recognise
from embeddings.readers.package import MAX_MEMBERS, MAX_TOTAL_BYTES, Package

_MAX_DEPTH = 3
_LITTER = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
_LITTER_PREFIXES = (".", "~$")


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of an archive. `name` is its path there, safe to join to a folder."""

    name: str
    content: bytes | InvalidInput

    def data(self) -> bytes:
        """Its bytes.

        Raises:
            UnreadableDocument, TooLarge: it is encrypted or damaged, or unpacks to too much.
        """
        if isinstance(self.content, InvalidInput):
            raise self.content
        return self.content


@dataclass(slots=True)
class _Budget:
    """What may still be unpacked, of all archives inside one another."""

    files: int = MAX_MEMBERS
    size: int = MAX_TOTAL_BYTES

    def take(self, size: int, filename: str) -> None:
        self.files -= 1
        self.size -= size
        if self.files < 0 or self.size < 0:
            raise TooLarge(
                f"“{filename}” unpacks to more than {MAX_MEMBERS:,} files or {MAX_TOTAL_BYTES:,} bytes. Split it."
            )


def is_archive(filename: str) -> bool:
    """Whether a file of this name may be an archive of documents."""
    return PurePosixPath(filename).suffix.lower() == ARCHIVE_SUFFIX


def read_archive(data: bytes, *, filename: str) -> Iterator[ArchivedFile]:
    """The files in a zip archive, one at a time and in its order, without what systems leave in archives.

    A file that cannot be unpacked is there too, with its refusal: one stops no other.

    Raises:
        UnsupportedFormat: it is no zip archive, or a document that is kept in one (docx, ofd).
        UnreadableDocument, TooLarge: its list of files cannot be read, or it holds too much in all.
    """
    if recognise(data, filename=filename) is not Kind.ARCHIVE:
        raise UnsupportedFormat(f"“{filename}” is a document and no zip archive: add it as it is.")
    yield from _files(data, filename, _MAX_DEPTH, _Budget())


def _files(data: bytes, filename: str, depth: int, budget: _Budget) -> Iterator[ArchivedFile]:
    package = Package(data, filename=filename)
    for name in package.names:
        if _is_litter(name):
            continue
        path = f"{filename}/{name}"
        try:
            content = package.read(name)
            budget.take(len(content), filename)
            inner = _nested(content, name, path, depth)
        except InvalidInput as refusal:
            if budget.files < 0 or budget.size < 0:
                raise
            yield ArchivedFile(name, refusal)
            continue
        if inner:
            yield from _inside(content, name, depth, budget)
        else:
            yield ArchivedFile(name, content)


def _inside(data: bytes, name: str, depth: int, budget: _Budget) -> Iterator[ArchivedFile]:
    """The files of an archive in an archive; one that cannot be read is a refused file itself."""
    try:
        for file in _files(data, name, depth - 1, budget):
            yield ArchivedFile(f"{name}/{file.name}", file.content)
    except InvalidInput as refusal:
        if budget.files < 0 or budget.size < 0:
            raise
        yield ArchivedFile(name, refusal)


def _nested(content: bytes, name: str, path: str, depth: int) -> bool:
    if not is_archive(name) or recognise(content, filename=name) is not Kind.ARCHIVE:
        return False
    if depth <= 1:
        raise TooLarge(
            f"“{path}” is an archive more than {_MAX_DEPTH} archives deep. Unpack it and add its files."
        )
    return True


def _is_litter(name: str) -> bool:
    parts = name.split("/")
    return any(part in _LITTER or part.startswith(_LITTER_PREFIXES) for part in parts)
