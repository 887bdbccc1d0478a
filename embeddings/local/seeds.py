"""The cache of the draft check: the seed index of one generation, kept in a file."""

import json
import mmap
import os
import struct
import zlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from embeddings.local.rows import Rows
from embeddings.seeds import Part, SeedIndex

# What ends the file: magic, stamp, generation, where its table of contents begins, CRC-32 of all before.
_TRAILER = struct.Struct("<8sQQQI")
_MAGIC = b"wenseed1"
_SAVE_LETTERS = 300_000
_SAVE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class SeedCache:
    """`unsaved` counts the letters that came, and the documents that went, since the file was written."""

    index: SeedIndex = field(default_factory=SeedIndex)
    generation: int = 0
    unsaved: int = 0

    @classmethod
    def load(cls, path: Path, rows: Rows) -> Self:
        """Raises: ValueError or OSError: there is none, it is damaged, or of another database."""
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        end = len(data) - _TRAILER.size
        if end < 0:
            raise ValueError("the file of the seeds is cut short")
        magic, stamp, generation, table, checksum = _TRAILER.unpack(data[end:])
        if magic != _MAGIC or checksum != zlib.crc32(memoryview(data)[:end]):
            raise ValueError("the file of the seeds is damaged")
        if stamp != rows.stamp or generation > rows.generation:
            raise ValueError("the seeds are not of this database")
        parts = tuple(_read_part(data, part) for part in json.loads(data[table:end]))
        return cls(SeedIndex(parts), generation)

    def caught_up(self, rows: Rows) -> Self:
        """These seeds at the generation of `rows`. Raises: ValueError if they do not agree then."""
        removed = rows.removed_documents_since(self.generation)
        remaining = self.index.without(removed)
        index = remaining
        for documents in rows.texts_since(self.generation):
            index = index.with_documents(documents)
        if index.segment_count != rows.segment_count:
            raise ValueError("the seeds do not agree with the database")
        came = index.letter_count - remaining.letter_count
        return replace(
            self, index=index, generation=rows.generation, unsaved=self.unsaved + came + len(removed)
        )

    def is_due(self) -> bool:
        """Whether so much is unsaved that it should be saved."""
        limit: float = max(_SAVE_LETTERS, _SAVE_SHARE * self.index.letter_count)
        return self.unsaved > limit

    def saved(self, path: Path, stamp: int) -> Self:
        """Written to `path`. Raises: OSError: the disk refuses."""
        beside = path.with_name(path.name + ".new")
        with beside.open("wb") as file:
            checksum, place, table = 0, 0, []
            for part in self.index.parts:
                described: dict[str, Any] = {"ids": part.ids}
                for name, array in _arrays(part).items():
                    content = np.ascontiguousarray(array).tobytes()
                    content += bytes(-len(content) % 8)
                    described[name] = [array.dtype.str, array.shape, place]
                    file.write(content)
                    checksum, place = zlib.crc32(content, checksum), place + len(content)
                table.append(described)
            contents = json.dumps(table).encode()
            file.write(contents)
            checksum = zlib.crc32(contents, checksum)
            file.write(_TRAILER.pack(_MAGIC, stamp, self.generation, place, checksum))
        # Not forced to the disk: a file that a crash cut short fails its checksum and is made again.
        os.replace(beside, path)
        return replace(self, unsaved=0)


def _arrays(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(part) if each.name != "ids"}


def _read_part(data: mmap.mmap, described: dict[str, Any]) -> Part:
    arrays = {}
    for name, value in described.items():
        if name != "ids":
            kind, shape, start = value
            count = int(np.prod(shape))
            arrays[name] = np.frombuffer(data, kind, count, offset=start).reshape(shape)
    return Part(ids=tuple(described["ids"]), **arrays)
