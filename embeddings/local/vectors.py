"""The dense cache: FAISS indexes of the segments' vectors. Scores are inner products of unit rows."""

import os
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from embeddings.local.rows import Rows
from embeddings.storage import Candidate

# Below this many changes, or this share, catching up from the database is quicker than writing all again.
_FOLD_SEGMENTS = 2000
_FOLD_SHARE = 0.2
# What follows the index in its file: magic, stamp, generation, CRC-32 of all before.
_TRAILER = struct.Struct("<8sQQI")
_MAGIC = b"wenyuan1"
_BLOCK_BYTES = 1 << 20

_Index = Any
"""A faiss.Index: its methods are patched in at import, with other signatures than are declared."""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vectors of one generation. Never changed: a change makes another, and searches go on undisturbed.

    `base` is large and shared between generations, `recent` is what came since and small enough to copy.
    `unsaved` counts the segments that came or went since the file was written.
    """

    dim: int
    generation: int
    base: _Index
    recent: _Index
    unsaved: int

    @classmethod
    def empty(cls, dim: int) -> Self:
        return cls(dim=dim, generation=0, base=_new_index(dim), recent=_new_index(dim), unsaved=0)

    @classmethod
    def load(cls, path: Path, rows: Rows, dim: int) -> Self:
        """Raises: ValueError or OSError: there is none, it is damaged, or of another database."""
        stamp, generation = _read_trailer(path)
        if stamp != rows.stamp or generation > rows.generation:
            raise ValueError("the vectors are not of this database")
        base = faiss.read_index(str(path))
        return cls(dim=dim, generation=generation, base=base, recent=_new_index(dim), unsaved=0)

    def nearest(self, vector: npt.NDArray[np.float32], k: int) -> list[Candidate]:
        query = np.ascontiguousarray(vector, np.float32).reshape(1, self.dim)
        parts = [_search(index, query, k) for index in (self.base, self.recent)]
        scores, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
        best = np.lexsort((ids, -scores))[: max(k, 0)]
        return [
            Candidate(id, score) for id, score in zip(ids[best].tolist(), scores[best].tolist(), strict=True)
        ]

    def caught_up(self, rows: Rows) -> Self:
        """These vectors at the generation of `rows`. Raises: ValueError if they do not agree then."""
        _use_one_thread()
        removed = rows.removed_since(self.generation)
        base, recent = _without(self.base, removed), faiss.clone_index(_without(self.recent, removed))
        added = 0
        for ids, vectors in rows.vectors_since(self.generation):
            recent.add_with_ids(vectors, ids)
            added += len(ids)
        if base.ntotal + recent.ntotal != rows.segment_count:
            raise ValueError("the vectors do not agree with the database")
        return replace(
            self,
            generation=rows.generation,
            base=base,
            recent=recent,
            unsaved=self.unsaved + len(removed) + added,
        )

    def is_due(self) -> bool:
        """Whether so much is unsaved that it should be folded and saved."""
        limit: float = max(_FOLD_SEGMENTS, _FOLD_SHARE * self.base.ntotal)
        return self.unsaved > limit

    def folded(self) -> Self:
        """The same vectors with nothing in `recent`."""
        _use_one_thread()
        base = faiss.clone_index(self.base)
        base.merge_from(faiss.clone_index(self.recent))
        return replace(self, base=base, recent=_new_index(self.dim))

    def saved(self, path: Path, stamp: int) -> Self:
        """Folded, and written to `path`. Raises: OSError or RuntimeError: the disk refuses."""
        folded = self.folded()
        beside = path.with_name(path.name + ".new")
        faiss.write_index(folded.base, str(beside))
        checksum = _checksum(beside, beside.stat().st_size)
        with beside.open("ab") as file:
            file.write(_TRAILER.pack(_MAGIC, stamp, self.generation, checksum))
        # Not forced to the disk: a file that a crash cut short fails its checksum and is made again.
        os.replace(beside, path)
        return replace(folded, unsaved=0)


def _new_index(dim: int) -> _Index:
    """Exact, in half precision: 1.3 ms at 50,000 segments; beyond that an inverted file would be quicker."""
    kept = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(kept)


def _search(
    index: _Index, query: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    k = min(k, index.ntotal)
    if k < 1:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    _use_one_thread()
    scores, ids = index.search(query, k)
    # Half precision can leave a unit vector a little longer than one.
    return np.clip(scores[0], -1.0, 1.0), ids[0]


def _without(index: _Index, ids: npt.NDArray[np.int64]) -> _Index:
    if not np.isin(faiss.vector_to_array(index.id_map), ids).any():
        return index
    remaining: _Index = faiss.clone_index(index)
    remaining.remove_ids(ids)
    return remaining


def _use_one_thread() -> None:
    """Two threads on one query are three times slower. The setting holds for the calling thread alone."""
    faiss.omp_set_num_threads(1)


def _read_trailer(path: Path) -> tuple[int, int]:
    """The stamp and the generation that the file at `path` holds."""
    length = path.stat().st_size - _TRAILER.size
    if length < 0:
        raise ValueError("the file of the vectors is cut short")
    with path.open("rb") as file:
        file.seek(length)
        magic, stamp, generation, checksum = _TRAILER.unpack(file.read(_TRAILER.size))
    if magic != _MAGIC or checksum != _checksum(path, length):
        raise ValueError("the file of the vectors is damaged")
    return stamp, generation


def _checksum(path: Path, length: int) -> int:
    checksum = 0
    with path.open("rb") as file:
        while length > 0:
            block = file.read(min(_BLOCK_BYTES, length))
            if not block:
                raise ValueError("the file of the vectors is cut short")
            checksum = zlib.crc32(block, checksum)
            length -= len(block)
    return checksum
