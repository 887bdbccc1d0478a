"""Where short runs of letters stand in a library: the index from which copies are found.

Of every document the letters are kept (2 bytes each) and the places of a sample of its runs of `RUN` letters,
sorted by hash. The sample is by minimizers (Roberts and others 2004; winnowing, Schleimer and others 2003): of
every `_WINDOW` neighbouring runs the one with the least hash, so two texts that share `RUN + _WINDOW - 1` letters
share a sampled run. An index is never changed: additions become a part of their own, and small parts are merged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from embeddings.letters import read_letters

RUN = 6
_WINDOW = 3
_SKETCH = 64
_FACTOR = np.uint32(0x9E3779B1)
_BASE = np.uint32(0x01000193)
# Larger parts are merged only with parts at least this share of their size: so what is added once is sorted
# again a logarithmic number of times.
_MERGE_SHARE = 0.5
_NO_HASH = np.uint32(0xFFFFFFFF)

Hashes = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Some documents. `keys` (n,) name them to the storage and `sizes` (n,) are its segments of each;
    `starts` (n + 1,) say where each begins in `codes`; `places` are in `codes` too and follow `hashes`, sorted.
    `sketches` (n, 64) hold the least hashes of each: what two documents share of them they share of all."""

    ids: tuple[str, ...]
    keys: Numbers
    sizes: Numbers
    starts: Numbers
    codes: npt.NDArray[np.uint16]
    hashes: Hashes
    places: Hashes
    sketches: Hashes
    alive: npt.NDArray[np.bool_]

    @cached_property
    def live_letters(self) -> int:
        return int(np.diff(self.starts)[self.alive].sum())

    def slots(self, places: Numbers) -> Numbers:
        """The document, as a row of this part, that each of `places` is in."""
        return np.searchsorted(self.starts, places, side="right") - 1


@dataclass(frozen=True)
class SeedIndex:
    parts: tuple[Part, ...] = ()

    def with_documents(self, documents: Iterable[tuple[int, int, str, str]]) -> "SeedIndex":
        """With more documents: the key, the number of segments, the id and the text of each."""
        added = list(documents)
        return SeedIndex(_merged((*self.parts, _make_part(added)))) if added else self

    def without(self, keys: Numbers) -> "SeedIndex":
        """Without the documents of `keys`, as far as they are there."""
        if not len(keys):
            return self
        parts = tuple(_without(part, keys) for part in self.parts)
        return SeedIndex(tuple(part for part in parts if part.alive.any()))

    @cached_property
    def segment_count(self) -> int:
        return sum(int(part.sizes[part.alive].sum()) for part in self.parts)

    @cached_property
    def letter_count(self) -> int:
        return sum(part.live_letters for part in self.parts)

    @cached_property
    def document_count(self) -> int:
        return sum(int(part.alive.sum()) for part in self.parts)


def sample(codes: npt.NDArray[np.uint16]) -> tuple[Hashes, Numbers]:
    """The hashes of the sampled runs in `codes` and where each begins, in order."""
    hashes = _run_hashes(codes)
    count = len(hashes)
    if count == 0:
        return hashes, np.empty(0, np.int64)
    padded = np.concatenate(
        [np.full(_WINDOW - 1, _NO_HASH, np.uint32), hashes, np.full(_WINDOW - 1, _NO_HASH, np.uint32)]
    )
    least = padded[: count + _WINDOW - 1].copy()
    for shift in range(1, _WINDOW):
        np.minimum(least, padded[shift : shift + count + _WINDOW - 1], out=least)
    is_sampled = np.zeros(count, np.bool_)
    for shift in range(_WINDOW):
        is_sampled |= hashes == least[shift : shift + count]
    places = np.flatnonzero(is_sampled & _is_varied(codes))
    return hashes[places], places


def _run_hashes(codes: npt.NDArray[np.uint16]) -> Hashes:
    count = max(0, len(codes) - RUN + 1)
    hashes = np.zeros(count, np.uint32)
    for shift in range(RUN):
        hashes *= _BASE
        hashes += codes[shift : shift + count]
    hashes ^= hashes >> np.uint32(15)
    hashes *= _FACTOR
    hashes ^= hashes >> np.uint32(13)
    return hashes


def _is_varied(codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Whether each run is more than one or two letters over and over: those say nothing and stand everywhere."""
    count = len(codes) - RUN + 1
    changes = np.zeros(count, np.int8)
    for shift in range(2, RUN):
        changes += codes[shift : shift + count] != codes[shift - 2 : shift - 2 + count]
    return changes >= 2


def _make_part(documents: Sequence[tuple[int, int, str, str]]) -> Part:
    keys, sizes, ids, texts = zip(*documents, strict=True)
    codes = [read_letters(text).codes for text in texts]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in codes])]).astype(np.int64)
    hashes, places, sketches = [], [], np.full((len(ids), _SKETCH), _NO_HASH, np.uint32)
    for row, (each, start) in enumerate(zip(codes, starts[:-1], strict=True)):
        found, where = sample(each)
        hashes.append(found)
        places.append((where + start).astype(np.uint32))
        least = np.unique(found)[:_SKETCH]
        sketches[row, : len(least)] = least
    part = Part(
        tuple(ids),
        np.array(keys, np.int64),
        np.array(sizes, np.int64),
        starts,
        np.concatenate(codes),
        np.concatenate(hashes),
        np.concatenate(places),
        sketches,
        np.ones(len(ids), np.bool_),
    )
    return _sorted(part)


def _sorted(part: Part) -> Part:
    order = np.argsort(part.hashes, kind="stable")
    return replace(part, hashes=part.hashes[order], places=part.places[order])


def _merged(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    while len(parts) > 1 and len(parts[-1].codes) >= _MERGE_SHARE * len(parts[-2].codes):
        parts = (*parts[:-2], _join(_compacted(parts[-2]), _compacted(parts[-1])))
    return parts


def _join(first: Part, second: Part) -> Part:
    shift = len(first.codes)
    joined = Part(
        first.ids + second.ids,
        np.concatenate([first.keys, second.keys]),
        np.concatenate([first.sizes, second.sizes]),
        np.concatenate([first.starts, second.starts[1:] + shift]),
        np.concatenate([first.codes, second.codes]),
        np.concatenate([first.hashes, second.hashes]),
        np.concatenate([first.places, second.places + np.uint32(shift)]),
        np.concatenate([first.sketches, second.sketches]),
        np.concatenate([first.alive, second.alive]),
    )
    return _sorted(joined)


def _without(part: Part, keys: Numbers) -> Part:
    alive = part.alive & ~np.isin(part.keys, keys)
    if alive.all() or (alive == part.alive).all():
        return part
    remaining = replace(part, alive=alive)
    is_sparse = 2 * remaining.live_letters < len(part.codes)
    return _compacted(remaining) if is_sparse and alive.any() else remaining


def _compacted(part: Part) -> Part:
    """`part` with nothing left of its dead documents."""
    if part.alive.all():
        return part
    lengths = np.diff(part.starts)
    lives = np.repeat(part.alive, lengths)
    moved = np.cumsum(lives) - 1
    kept = lives[part.places]
    alive = part.alive
    return Part(
        tuple(id for id, lives_on in zip(part.ids, alive, strict=True) if lives_on),
        part.keys[alive],
        part.sizes[alive],
        np.concatenate([[0], np.cumsum(lengths[alive])]).astype(np.int64),
        part.codes[lives],
        part.hashes[kept],
        moved[part.places[kept]].astype(np.uint32),
        part.sketches[alive],
        np.ones(int(alive.sum()), np.bool_),
    )
