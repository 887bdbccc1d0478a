"""Zip files that cannot be trusted: docx, OFD, ODF and plain archives, read within limits."""

import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from embeddings.errors import TooLarge, UnreadableDocument

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 64 << 20
MAX_TOTAL_BYTES = 1 << 30
_MAX_RATIO = 200
# A short run of one letter deflates a thousandfold, and harms nobody.
_RATIO_COUNTS_FROM_BYTES = 4 << 20
_BLOCK_BYTES = 1 << 18
_CENTRAL, _END = b"PK\x01\x02", b"PK\x05\x06"
_IS_ENCRYPTED, _IS_UTF8 = 0x1, 0x800
_UNICODE_PATH = 0x7075
_DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, NotImplementedError,
    RuntimeError, IndexError, KeyError, OSError,
)  # fmt: skip
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


class Package:
    """The members of one zip file; all that is read of it together stays under `MAX_TOTAL_BYTES`.

    Raises:
        UnreadableDocument: it is damaged.
        TooLarge: it has more than `MAX_MEMBERS` members.
    """

    def __init__(self, data: bytes, *, filename: str) -> None:
        self._filename = filename
        self._bytes_left = MAX_TOTAL_BYTES
        if _count_members(data) > MAX_MEMBERS:
            raise TooLarge(f"“{filename}” holds more than {MAX_MEMBERS:,} files. Split it.")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._members = _by_name(self._zip.infolist())
        except _DAMAGES as error:
            raise self._damaged("its list of files cannot be read") from error

    @property
    def names(self) -> list[str]:
        """Names with slashes, as safe to join to a folder as a name can be."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            UnreadableDocument: it is encrypted, damaged or not there.
            TooLarge: it unpacks to more than a document may hold.
        """
        member = self._members.get(name)
        if member is None:
            raise self._damaged(f"“{name}” is missing from it")
        if member.flag_bits & _IS_ENCRYPTED:
            raise UnreadableDocument(
                f"“{name}” in “{self._filename}” is encrypted. Remove the password and add it again."
            )
        try:
            return b"".join(self._blocks(member, name))
        except _DAMAGES as error:
            raise self._damaged(f"“{name}” in it cannot be unpacked") from error

    def _blocks(self, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
        """Counts what comes out, not what the file says will."""
        size = 0
        with self._zip.open(member) as stream:
            while block := stream.read(_BLOCK_BYTES):
                size += len(block)
                self._bytes_left -= len(block)
                is_bomb = size > _RATIO_COUNTS_FROM_BYTES and size > _MAX_RATIO * member.compress_size
                if size > MAX_MEMBER_BYTES or self._bytes_left < 0 or is_bomb:
                    raise TooLarge(
                        f"“{name}” in “{self._filename}” unpacks to more than is read of an archive"
                        f" ({MAX_MEMBER_BYTES:,} bytes a file, {MAX_TOTAL_BYTES:,} in all). Add it on its own."
                    )
                yield block

    def _damaged(self, what: str) -> UnreadableDocument:
        return UnreadableDocument(
            f"“{self._filename}” is damaged or incomplete: {what}. Save or download it again."
        )


def _count_members(data: bytes) -> int:
    """How many entries the central directory has, without reading it."""
    end = data.rfind(_END)
    if end < 0:
        return 0
    start = 0
    if len(data) >= end + 20:
        size = int.from_bytes(data[end + 12 : end + 16], "little")
        start = max(0, end - size - 4096) if size != 0xFFFFFFFF else 0
    return data.count(_CENTRAL, start, end)


def _by_name(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Two members of one name are two files: the second is called 「… (2)」."""
    named: dict[str, zipfile.ZipInfo] = {}
    times: Counter[str] = Counter()
    for member in members:
        if member.is_dir():
            continue
        name = plain = _name(member)
        while name in named:
            times[plain] += 1
            path = PurePosixPath(plain)
            name = str(path.with_name(f"{path.stem} ({times[plain] + 1}){path.suffix}"))
        named[name] = member
    return named


def _name(member: zipfile.ZipInfo) -> str:
    name = _unicode_path(member.extra) or member.filename
    if not member.flag_bits & _IS_UTF8:
        name = _unicode_path(member.extra) or _decode_name(member.orig_filename)
    parts = [part.strip() for part in _UNSAFE.sub("_", name.replace("\\", "/")).split("/")]
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "_"


def _decode_name(name: str) -> str:
    """Archivers on Chinese Windows write GBK, others UTF-8, and neither says so: `zipfile` took it for cp437."""
    raw = name.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def _unicode_path(extra: bytes) -> str | None:
    """The name in UTF-8 that Info-ZIP and WinRAR keep beside the other one (APPNOTE 4.6.9)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH and 5 < size <= len(extra) - 4:
            return extra[9 : 4 + size].decode("utf-8", errors="replace")
        extra = extra[4 + size :]
    return None
