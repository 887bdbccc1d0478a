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

from embeddings.local.inverted import is_inverted, make_base, search_parameters
from embeddings.local.rows import Rows
from embeddings.storage import Candidate, Scope

# What came since the base was made is searched one by one: 8,000 vectors of 512 dimensions take under 1 ms. Of
# a large base more is let come, as it is copied whenever that is folded in.
_MIN_RECENT, _MAX_RECENT, _RECENT_SHARE = 8_000, 20_000, 1 / 16
# Below this many changes, or this share, catching up from the database is quicker than writing all again.
_SAVE_SEGMENTS = 2_000
_SAVE_SHARE = 0.2
# Of what follows the base: indexes are merged into the next when they are not this much smaller.
_GROWTH = 4
# What follows the index in its file: magic, stamp, generation, CRC-32 of all before.
_TRAILER = struct.Struct("<8sQQI")
_MAGIC = b"wenyuan2"
_BLOCK_BYTES = 1 << 20

_Index = Any
"""A faiss.Index: its methods are patched in at import, with other signatures than are declared."""
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vectors of one generation. Never changed: a change makes another, and searches go on undisturbed.

    `base` is large and shared between generations. `recent` are small exact indexes of what came since, each
    at most a quarter of the one before, so that adding a little copies little. `gone` are the ids, ascending,
    that are still in one of them but no longer there. `unsaved` counts the segments that came or went since
    the file was written.
    """

    dim: int
    generation: int
    base: _Index
    recent: tuple[_Index, ...]
    gone: Ids
    unsaved: int

    @classmethod
    def empty(cls, dim: int) -> Self:
        return cls(dim, 0, make_base(dim, None), (), np.empty(0, np.int64), unsaved=0)

    @classmethod
    def load(cls, path: Path, rows: Rows) -> Self:
        """Raises: ValueError or OSError: there is none, it is damaged, or of another database."""
        stamp, generation = _read_trailer(path)
        if stamp != rows.vector_stamp or generation > rows.generation:
            raise ValueError("the vectors are not of this database")
        base = faiss.read_index(str(path))
        return cls(rows.dim, generation, base, (), np.empty(0, np.int64), unsaved=0)

    def nearest(self, vector: npt.NDArray[np.float32], k: int, scope: Scope | None = None) -> list[Candidate]:
        query = np.ascontiguousarray(vector, np.float32).reshape(1, self.dim)
        is_all = scope is None and not len(self.gone)
        allowed = None if is_all else _selector(self.gone, scope, self._last_id())
        share = 1.0 if scope is None else scope.segment_count() / max(1, self.total())
        parts = [_search(index, query, k, allowed, share) for index in (self.base, *self.recent)]
        scores, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
        best = np.lexsort((ids, -scores))[: max(k, 0)]
        return [
            Candidate(id, score) for id, score in zip(ids[best].tolist(), scores[best].tolist(), strict=True)
        ]

    def total(self) -> int:
        """How many vectors there are."""
        kept: int = sum(index.ntotal for index in (self.base, *self.recent))
        return kept - len(self.gone)

    def caught_up(self, rows: Rows) -> Self:
        """These vectors at the generation of `rows`. Raises: ValueError if they do not agree then."""
        if self.dim != rows.dim:
            raise ValueError("the vectors are of another embedder")
        _use_one_thread()
        removed = rows.removed_since(self.generation)
        # What came and went since then is in no index.
        here = removed[removed <= self._last_id()]
        caught_up = replace(self, gone=np.union1d(self.gone, here), generation=rows.generation)
        added = 0
        for ids, vectors in rows.vectors_since(self.generation):
            caught_up = caught_up._with(ids, vectors)
            added += len(ids)
        if caught_up.total() != rows.segment_count:
            raise ValueError("the vectors do not agree with the database")
        return replace(caught_up, unsaved=self.unsaved + len(here) + added)

    def is_due(self) -> bool:
        """Whether so much is unsaved that it should be saved."""
        limit: float = max(_SAVE_SEGMENTS, _SAVE_SHARE * self.base.ntotal)
        return self.unsaved > limit

    def folded(self) -> Self:
        """The same vectors, all in `base`."""
        _use_one_thread()
        if not self.recent and not len(self.gone):
            return self
        base = make_base(self.dim, self.base, self.recent)
        if len(self.gone):
            base.remove_ids(self.gone)
        return replace(self, base=base, recent=(), gone=np.empty(0, np.int64))

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

    def _with(self, ids: Ids, vectors: npt.NDArray[np.float32]) -> Self:
        """With more vectors, whose ids are above all that are here."""
        latest = make_base(self.dim, None)
        latest.add_with_ids(vectors, ids)
        recent = list(self.recent)
        while recent and recent[-1].ntotal < _GROWTH * latest.ntotal:
            latest = make_base(self.dim, recent.pop(), (latest,))
        grown = replace(self, recent=(*recent, latest))
        limit = min(_MAX_RECENT, max(_MIN_RECENT, int(_RECENT_SHARE * self.base.ntotal)))
        return grown if sum(index.ntotal for index in grown.recent) <= limit else grown.folded()

    def _last_id(self) -> int:
        for index in (*self.recent[::-1], self.base):
            if index.ntotal:
                return _largest_id(index)
        return 0


def _largest_id(index: _Index) -> int:
    if not is_inverted(index):
        return int(faiss.vector_to_array(index.id_map)[-1])
    lists = index.invlists
    ends = (
        faiss.rev_swig_ptr(lists.get_ids(i), lists.list_size(i))[-1]
        for i in range(index.nlist)
        if lists.list_size(i)
    )
    return int(max(ends))


def _selector(gone: Ids, scope: Scope | None, last_id: int) -> Any:
    """What a search may find."""
    bits = np.zeros(last_id + 8, np.bool_)
    if scope is None:
        bits[: last_id + 1] = True
    else:
        for first, count in zip(scope.first_segments.tolist(), scope.segments.tolist(), strict=True):
            bits[first : first + count] = True
    bits[gone] = False
    packed = np.packbits(bits, bitorder="little")
    make_selector: Any = faiss.IDSelectorBitmap
    return make_selector(packed)


def _search(
    index: _Index, query: npt.NDArray[np.float32], k: int, allowed: Any, share: float
) -> tuple[npt.NDArray[np.float32], Ids]:
    k = min(k, index.ntotal)
    if k < 1:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    _use_one_thread()
    scores, ids = index.search(query, k, params=search_parameters(index, allowed, share))
    found = ids[0] >= 0
    # Half precision can leave a unit vector a little longer than one.
    return np.clip(scores[0][found], -1.0, 1.0), ids[0][found]


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
