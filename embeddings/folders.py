"""Files and folders into a collection."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from embeddings.collection import Collection
from embeddings.errors import InvalidInput, TooLarge
from embeddings.readers import MAX_DOCUMENT_BYTES, identify, is_archive, is_readable, read, read_archive
from embeddings.types import Document

# Few enough that a stop is heeded soon, many enough that committing is not most of the work.
_BATCH_FILES = 64
_BATCH_BYTES = 4 << 20
_MAX_ARCHIVE_BYTES = 256 << 20

OnProgress = Callable[[int, int], None]
"""Called with how many files are done, and of how many. What it raises ends the work."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    path: Path
    document_id: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of every file. The bytes of an unchanged one were there already."""

    added: tuple[ReadFile, ...]
    unchanged: tuple[ReadFile, ...]
    refused: tuple[RefusedFile, ...]
    removed: int = 0


def add_paths(
    collection: Collection,
    paths: Sequence[Path],
    *,
    origin: str | None = None,
    on_progress: OnProgress | None = None,
) -> AddReport:
    """Add files, those under folders that there is a reader for, and those in zip archives; a refused one stops
    no other.

    Hidden files are left out of folders. Of a path only the file's name is kept.

    Raises:
        InvalidInput: a path does not exist; then nothing is added.
        StorageUnavailable: the disk refuses; earlier files may have been added.
    """
    files, refused = _find_files(paths)
    held = collection.document_ids()
    added: list[ReadFile] = []
    unchanged: list[ReadFile] = []
    batch: dict[Path, Document] = {}
    # While one batch is kept the next is read.
    with ThreadPoolExecutor(max_workers=1) as keeper:
        keeping: Future[object] | None = None

        def keep() -> None:
            nonlocal keeping
            if keeping is not None:
                keeping.result()
            keeping = keeper.submit(collection.add, list(batch.values()), origin=origin)
            added.extend(ReadFile(path, document.id) for path, document in batch.items())
            batch.clear()

        for done, file in enumerate(files, start=1):
            for path, outcome in _read(file, held):
                if isinstance(outcome, Document):
                    held.add(outcome.id)
                    batch[path] = outcome
                elif isinstance(outcome, ReadFile):
                    unchanged.append(outcome)
                else:
                    refused.append(outcome)
                if _is_full(batch):
                    keep()
            if done == len(files):
                keep()
                keeping.result()  # type: ignore[union-attr]
            if on_progress is not None:
                on_progress(done, len(files))
    if origin is None and unchanged:
        collection.claim([file.document_id for file in unchanged])
    return AddReport(tuple(added), tuple(unchanged), tuple(refused))


def follow_paths(
    collection: Collection,
    paths: Sequence[Path],
    *,
    every_s: float,
    on_report: Callable[[AddReport], None],
    on_progress: OnProgress | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """`add_paths`, and again every `every_s` seconds with what came or changed since, until `is_over`.

    A file that changed takes the place of what it held before; a file that went stays in the collection. What
    is not as it was a look ago is still being written, and left for the next look. `on_report` is called after
    every look at which something was read.
    """
    seen = read_at = _states(paths)
    report = add_paths(collection, paths, on_progress=on_progress)
    on_report(report)
    held = {file.path: file.document_id for file in (*report.added, *report.unchanged)}
    while not is_over():
        time.sleep(every_s)
        now = _states(paths)
        changed = [path for path in now if now[path] != read_at.get(path) and now[path] == seen.get(path)]
        seen = now
        if changed:
            read_at |= {path: now[path] for path in changed}
            on_report(_read_again(collection, changed, held))


def _read_again(collection: Collection, changed: Sequence[Path], held: dict[Path, str]) -> AddReport:
    added: list[ReadFile] = []
    unchanged: list[ReadFile] = []
    refused: list[RefusedFile] = []
    for path, outcome in (found for file in changed for found in _read(file, set())):
        if not isinstance(outcome, Document):
            refused.extend([outcome] if isinstance(outcome, RefusedFile) else [])
            continue
        old = held.get(path)
        # Another file may hold what this one held.
        if old is None or list(held.values()).count(old) > 1 or not collection.holds(old):
            is_new = bool(collection.add([outcome]))
        else:
            is_new = collection.replace(old, outcome)
        held[path] = outcome.id
        (added if is_new else unchanged).append(ReadFile(path, outcome.id))
    return AddReport(tuple(added), tuple(unchanged), tuple(refused))


def _states(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """When each file was last written, and how long it is."""
    states = {}
    for path in _find_files([path for path in paths if path.exists()])[0]:
        with suppress(OSError):
            status = path.stat()
            states[path] = status.st_mtime_ns, status.st_size
    return states


def mirror_paths(
    collection: Collection, paths: Sequence[Path], *, origin: str, on_progress: OnProgress | None = None
) -> AddReport:
    """`add_paths`; then remove what `origin` brought earlier and is no longer there.

    Documents that came otherwise stay. Raises: as `add_paths`.
    """
    report = add_paths(collection, paths, origin=origin, on_progress=on_progress)
    there = {file.document_id for file in (*report.added, *report.unchanged)}
    gone = collection.document_ids(origin=origin) - there
    if gone:
        collection.remove(sorted(gone))
    return replace(report, removed=len(gone))


def _read(path: Path, held: set[str]) -> Iterator[tuple[Path, Document | ReadFile | RefusedFile]]:
    """What is in a file: a document, or the files of an archive, each at its path in it."""
    try:
        if not is_archive(path.name):
            # One byte more than is read of any file tells that it is too long, however long it is.
            yield path, _read_bytes(path, _beginning(path, MAX_DOCUMENT_BYTES + 1), held)
            return
        data = _beginning(path, _MAX_ARCHIVE_BYTES + 1)
        if len(data) > _MAX_ARCHIVE_BYTES:
            raise TooLarge(f"“{path.name}” is longer than {_MAX_ARCHIVE_BYTES:,} bytes. Unpack it.")
        for file in read_archive(data, filename=path.name):
            yield path / file.name, _read_bytes(path / file.name, file.content, held)
    except InvalidInput as error:
        yield path, RefusedFile(path, str(error))
    except OSError as error:
        yield path, _unreadable(path, error)


def _beginning(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)


def _read_bytes(path: Path, data: bytes | InvalidInput, held: set[str]) -> Document | ReadFile | RefusedFile:
    if isinstance(data, InvalidInput):
        return RefusedFile(path, str(data))
    # What is held need not be taken apart again.
    known = identify(data)
    if known in held:
        return ReadFile(path, known)
    try:
        return read(data, filename=path.name)
    except InvalidInput as error:
        return RefusedFile(path, str(error))


def _is_full(batch: dict[Path, Document]) -> bool:
    size = sum(len(document.original) for document in batch.values())
    return len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES


def _find_files(paths: Sequence[Path]) -> tuple[list[Path], list[RefusedFile]]:
    """The files in a stable order, each once, and what cannot even be looked into."""
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"“{path}” does not exist.")
    files: dict[Path, None] = {}
    refused: list[RefusedFile] = []
    visited: set[str] = set()
    for path in paths:
        if path.is_dir():
            files.update(dict.fromkeys(_walk(path, visited, refused)))
        elif path.is_file():
            files[path] = None
        else:
            refused.append(RefusedFile(path, f"“{path.name}” is neither a file nor a folder."))
    return list(files), refused


def _walk(top: Path, visited: set[str], refused: list[RefusedFile]) -> Iterator[Path]:
    """Follows links to folders, into each folder once: a loop of links ends."""

    def refuse(error: OSError) -> None:
        refused.append(_unreadable(Path(error.filename), error))

    for folder, folder_names, filenames in os.walk(top, followlinks=True, onerror=refuse):
        if (real := os.path.realpath(folder)) in visited:
            folder_names.clear()
            continue
        visited.add(real)
        folder_names[:] = sorted(name for name in folder_names if not name.startswith("."))
        for name in sorted(filenames):
            path = Path(folder, name)
            if not name.startswith(".") and (is_readable(name) or is_archive(name)) and path.is_file():
                yield path


def _unreadable(path: Path, error: OSError) -> RefusedFile:
    return RefusedFile(path, f"“{path.name}” cannot be read: {error.strerror}.")
