"""One writer a folder. Depends on the operating system's file locks (POSIX)."""

import fcntl
from pathlib import Path

from embeddings.errors import StorageUnavailable

_NAME = "wenyuan.lock"


class FolderLock:
    """Held from the moment it is made until `release`, or until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises: StorageUnavailable: the folder cannot be written, or another process has it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / _NAME).open("ab")
        except OSError as error:
            raise StorageUnavailable(
                "the storage folder cannot be written: check that it is a folder and its permissions"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise StorageUnavailable(
                "another process has the storage folder open, such as a server: send the documents to it (POST /documents),"
                " or stop it first"
            ) from error

    def release(self) -> None:
        self._file.close()
