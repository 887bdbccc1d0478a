"""Files that were sent and not yet put anywhere: kept on disk until they are deleted. Knows no HTTP."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from embeddings import DocumentNotFound, StorageUnavailable

_RECORD = ".json"
_ORIGINAL = ".bin"


@dataclass(frozen=True, slots=True)
class Upload:
    """`id` is that of the document that the file is read as."""

    id: str
    filename: str
    byte_length: int
    purpose: str
    created_at: int


class Uploads:
    """One folder, made when it is needed. What is put is there after a crash, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, document_id: str, data: bytes, *, filename: str, purpose: str) -> Upload:
        """Raises: StorageUnavailable."""
        upload = Upload(document_id, filename, len(data), purpose, int(time.time()))
        record = json.dumps(asdict(upload), ensure_ascii=False).encode("utf-8", "backslashreplace")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The record last: a file without one is not there yet.
            self._write(f"{document_id}{_ORIGINAL}", data)
            self._write(f"{document_id}{_RECORD}", record)
        except OSError as error:
            raise StorageUnavailable(f"The file cannot be kept: {error.strerror}.") from error
        return upload

    def find(self, document_id: str) -> Upload | None:
        try:
            record = json.loads((self._folder / f"{document_id}{_RECORD}").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Upload(**record)

    def original(self, document_id: str) -> bytes:
        """Raises: DocumentNotFound."""
        try:
            return (self._folder / f"{document_id}{_ORIGINAL}").read_bytes()
        except FileNotFoundError as error:
            raise DocumentNotFound(f"There is no file “{document_id[:80]}”.") from error

    def all(self) -> Iterator[Upload]:
        """The newest first."""
        found = [self.find(path.stem) for path in self._folder.glob(f"*{_RECORD}")]
        yield from sorted((upload for upload in found if upload), key=lambda upload: -upload.created_at)

    def discard(self, document_id: str) -> None:
        for suffix in (_RECORD, _ORIGINAL):
            (self._folder / f"{document_id}{suffix}").unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        aside = self._folder / f".{uuid.uuid4().hex}"
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, self._folder / name)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
